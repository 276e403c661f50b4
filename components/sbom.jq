# A CycloneDX bill of materials from what `cargo tree` lists of a binary, a crate a line: name, version, licence,
# checksum, with tabs between. Arguments: $name, $version, $licence of the binary, $epoch of its commit, $toolchain
# (an array of {name, version, licence}: what the compiler links in by itself).
def library: {
    type: "library",
    "bom-ref": .purl,
    name,
    version,
    licenses: [{expression: .licence}],
    purl
} + (if .sha256 then {hashes: [{alg: "SHA-256", content: .sha256}]} else {} end);

[inputs | split("\t") | {
    name: .[0],
    version: .[1],
    # Cargo still takes the old way to write "one or the other".
    licence: (.[2] | gsub(" */ *"; " OR ")),
    purl: "pkg:cargo/\(.[0])@\(.[1])",
    sha256: (if .[3] == "" then null else .[3] end)
}] as $crates
| {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
        timestamp: ($epoch | tonumber | todate),
        component: {
            type: "application",
            "bom-ref": "pkg:cargo/\($name)@\($version)",
            name: $name,
            version: $version,
            licenses: [{expression: $licence}],
            purl: "pkg:cargo/\($name)@\($version)"
        }
    },
    components: (
        ($crates | map(select(.name != $name)) | unique_by(.purl) | map(library))
        + ($toolchain | map(.purl = "pkg:generic/\(.name)@\(.version)" | library))
    )
}
