//! Prints the bundle of CA certificates that every image has, as PEM.
//!
//! They are Mozilla's, from a crate that `Cargo.lock` pins: those of the machine that builds an image would make the
//! image another one on the next machine. A cluster with a CA of its own mounts a bundle and names it in
//! `SSL_CERT_FILE`.

use std::io::Write;
use std::process::ExitCode;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Letters on a line of PEM (RFC 7468).
const LINE: usize = 64;

fn main() -> ExitCode {
    match std::io::stdout().write_all(bundle().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn bundle() -> String {
    let mut pem = String::new();
    for certificate in TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut letters = BASE64_STANDARD.encode(certificate);
        while letters.len() > LINE {
            let rest = letters.split_off(LINE);
            pem.push_str(&letters);
            pem.push('\n');
            letters = rest;
        }
        pem.push_str(&letters);
        pem.push_str("\n-----END CERTIFICATE-----\n");
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_pem_and_holds_every_root() {
        let pem = bundle();
        assert!(pem.lines().all(|line| line.len() <= LINE));
        let blocks: Vec<String> = pem
            .split("-----END CERTIFICATE-----\n")
            .filter(|block| !block.is_empty())
            .map(|block| block.lines().skip(1).collect())
            .collect();
        assert!(blocks.len() > 100, "{} roots", blocks.len());
        for (block, certificate) in blocks.iter().zip(TLS_SERVER_ROOT_CERTS) {
            assert_eq!(BASE64_STANDARD.decode(block).unwrap(), certificate.as_ref());
        }
        assert_eq!(blocks.len(), TLS_SERVER_ROOT_CERTS.len());
    }
}
