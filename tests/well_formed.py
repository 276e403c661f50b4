"""Holds an HTML page to what a parser and a screen reader need: see tests/report.rs."""
import sys
from html.parser import HTMLParser
VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}
class Check(HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack, self.ids, self.links, self.seen = [], [], [], []
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.seen.append(tag)
        if "id" in attrs: self.ids.append(attrs["id"])
        if tag == "a": self.links.append(attrs["href"])
        if tag == "img": assert attrs.get("alt"), attrs
        if tag == "th": assert attrs.get("scope"), "a header cell without scope"
        if tag == "svg": assert attrs.get("aria-hidden") == "true" or attrs.get("role") == "img" and attrs.get("aria-label"), attrs
        assert not [a for a in attrs if a.startswith("on")], attrs
        if tag not in VOID: self.stack.append(tag)
    def handle_startendtag(self, tag, attrs):
        # What a drawing is made of may be closed where it opens; HTML's own elements may not.
        assert "svg" in self.stack, "self-closed " + tag
    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (tag, self.stack)
        self.stack.pop()
c = Check()
c.feed(open(sys.argv[1], encoding="utf-8").read())
c.close()
assert not c.stack, c.stack
assert len(c.ids) == len(set(c.ids)), c.ids
for link in c.links: assert link[0] == "#" and link[1:] in c.ids, link
for tag in ("header", "nav", "main", "footer", "h1", "h2", "title"): assert tag in c.seen, tag
assert c.seen.count("h1") == 1 and c.seen.count("table") == c.seen.count("thead")
