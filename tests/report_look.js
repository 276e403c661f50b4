// Measures a report in frames of several widths: see tests/report_balance.rs.
const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
};
function ground(view, element) {
    for (let e = element; e; e = e.parentElement) {
        const colour = rgb(view.getComputedStyle(e).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
}
function look(frame) {
    const view = frame.contentWindow, page = frame.contentDocument, width = view.innerWidth;
    const all = selector => [...page.querySelectorAll(selector)];
    const seen = e => e.getClientRects().length > 0 && !e.closest(".unseen, .skip");
    const name = e => `${e.tagName}.${e.getAttribute("class") || ""} ${(e.textContent || "").trim().slice(0, 40)}`;
    const found = { width, dark: view.matchMedia("(prefers-color-scheme: dark)").matches };
    const measure = () => ({
        scroll: page.documentElement.scrollWidth,
        wide: all("body *").filter(e => seen(e) && !e.closest(".scroll") && e.getBoundingClientRect().right > width + 0.5).map(name).slice(0, 5),
    });
    found.folded = measure();
    found.details = all("details").length;
    all("summary").forEach(e => e.click());
    found.opened = all("details[open]").length;
    found.open = measure();
    const texts = all("figure.chart svg text").filter(seen);
    found.texts = texts.length;
    found.outside = texts.filter(e => {
        const box = e.getBoundingClientRect(), around = e.closest("svg").getBoundingClientRect();
        return box.left < around.left - 1 || box.right > around.right + 1 || box.bottom > around.bottom + 1;
    }).map(name).slice(0, 5);
    found.smallest = Math.min(...texts.map(e => e.getBoundingClientRect().height));
    const bar = page.querySelector('figure.chart svg [fill="#5A3D8C"]'), before = page.querySelector('figure.chart svg [fill="#B0A8BE"]');
    found.bar = rgb(view.getComputedStyle(bar).fill);
    found.before = before && rgb(view.getComputedStyle(before).fill);
    found.bar_contrast = contrast(found.bar, ground(view, bar));
    found.between = before && contrast(found.bar, found.before);
    found.ground = rgb(view.getComputedStyle(page.body).backgroundColor);
    const inks = [...all("p, th, td, li, dd, dt, h2, h3, summary, figcaption, .warnings, .over"), ...texts].filter(seen);
    found.faint = inks.map(e => {
        const style = view.getComputedStyle(e);
        const ink = e.tagName === "text" ? style.fill : style.color;
        return [contrast(rgb(ink), ground(view, e)), name(e)];
    }).filter(([c]) => c < 4.5).slice(0, 5);
    const first = page.querySelector("a, button, summary, [tabindex]");
    first.focus();
    found.skip = [first.className, first.getBoundingClientRect().left >= 0, page.activeElement === first];
    found.loaded = view.performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:"));
    return found;
}
onload = () => {
    const result = [...document.querySelectorAll("iframe")].map(look);
    document.getElementById("result").textContent = JSON.stringify(result);
};
