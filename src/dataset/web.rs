//! Files on web servers: read whole, within a limit. No dataset lies there, as nothing can be listed or written.

use std::time::Duration;

use object_store::ObjectStoreScheme;
use url::Url;

use super::remote::{runtime, shown};
use crate::error::{Error, Result};

/// Until a server has to have taken the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Until it has to have said something more.
const SILENCE: Duration = Duration::from_secs(30);
/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// The URL, where it is one of a web server: `http` and `https`, but for those of object stores that are read with the
/// credentials of the environment. With a query (a signature) these are read as any other.
pub(super) fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let is_store =
        || !matches!(ObjectStoreScheme::parse(&url), Ok((ObjectStoreScheme::Http, _)) | Err(_));
    (is_web && (url.query().is_some() || !is_store())).then_some(url)
}

/// The whole file.
///
/// # Errors
/// [`Error::Store`] when the server cannot be reached, is silent for too long or has no such file; the answer of
/// `too_large` as soon as there is more than `most` bytes.
pub(super) fn read(url: &Url, most: u64, too_large: &dyn Fn(u64) -> Error) -> Result<Vec<u8>> {
    let name = shown(url.as_str());
    // The library's own words carry the URL, and with it a password or a signature.
    let failed = |e: reqwest::Error| Error::store(name.clone(), causes(&e.without_url()));
    runtime()?.block_on(async {
        let secure = url.scheme() == "https";
        let policy = reqwest::redirect::Policy::custom(move |attempt| {
            match attempt.previous().len() > REDIRECTS
                || secure && attempt.url().scheme() != "https"
            {
                true => attempt.stop(),
                false => attempt.follow(),
            }
        });
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(policy)
            .user_agent(concat!("microtome/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(failed)?;
        let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(Error::store(
                name.clone(),
                format!("the server answered {}", answer.status()),
            ));
        }
        if let Some(length) = answer.content_length().filter(|length| *length > most) {
            return Err(too_large(length));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            let length = (bytes.len() + piece.len()) as u64;
            if length > most {
                return Err(too_large(length));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    })
}

/// What an error says, and what brought it about.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(because) = cause {
        words = format!("{words}: {because}");
        cause = because.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A server that gives these answers, one a connection; its address.
    fn server(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn get(url: &str, most: u64) -> Result<Vec<u8>> {
        let url = super::url(url).expect("a URL of a web server");
        read(&url, most, &|length| Error::limit("file", length.to_string(), "few", "less"))
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let at = server(vec![ok("{}"), moved.into(), ok("[1]")]);
        assert_eq!(get(&format!("http://{at}/i.json"), 10).unwrap(), b"{}");
        assert_eq!(get(&format!("http://{at}/i.json"), 10).unwrap(), b"[1]");

        // With its length, and without: a stream that never says how long it is.
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n";
        let at = server(vec![ok("12345678901"), chunked.into(), ok("short")]);
        for _ in 0..2 {
            assert!(matches!(get(&format!("http://{at}/"), 10), Err(Error::Limit { .. })));
        }
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nshort";
        let at = server(vec![cut.into()]);
        assert!(matches!(get(&format!("http://{at}/"), 10), Err(Error::Store { .. })));
    }

    #[test]
    fn an_error_carries_no_secret() {
        let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let at = server(vec![gone.into()]);
        let message =
            get(&format!("http://u:hush@{at}/i.json?sig=hush"), 10).unwrap_err().to_string();
        assert!(
            message.contains("404") && message.contains(&at) && !message.contains("hush"),
            "{message}"
        );
        // Nobody listens there.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let message =
            get(&format!("http://u:hush@{free}/i.json?sig=hush"), 10).unwrap_err().to_string();
        assert!(!message.contains("hush"), "{message}");
    }

    #[test]
    fn stores_are_told_from_web_servers() {
        let is_web = |text: &str| super::url(text).is_some();
        assert!(is_web("http://127.0.0.1:1/a") && is_web("https://example.org/index.json"));
        assert!(!is_web("https://account.blob.core.windows.net/c/index.json"));
        assert!(is_web("https://account.blob.core.windows.net/c/index.json?sig=1"));
        assert!(
            !is_web("s3://bucket/index.json")
                && !is_web("/lists/index.json")
                && !is_web("index.json")
        );
    }
}
