//! Real servers of the kinds that users have, started here on loopback: S3 (moto), Azure Blob
//! (Azurite).

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use microtome::dataset::Root;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use tempfile::{TempDir, tempdir};

use crate::common::{fixture, python_or_skip, root, skip};

/// The name and key that every Azurite has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server that ends with the test.
pub struct Server {
    child: Child,
    endpoint: String,
    kind: Kind,
    _folder: TempDir,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    S3,
    Azure,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(kind: Kind, mut command: Command, port: u16, python: &Path) -> Server {
    let folder = tempdir().unwrap();
    command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let endpoint = format!("http://127.0.0.1:{port}");
    let server = Server { child, endpoint, kind, _folder: folder };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    let word = if kind == Kind::S3 { "s3" } else { "azure" };
    let made = Command::new(python)
        .arg(root().join("tests/engine/make_bucket.py"))
        .args([word, &server.endpoint, ACCOUNT, KEY])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    server
}

/// The servers that can be had on this machine; what cannot is reported as skipped.
pub fn servers(test: &str) -> Vec<Server> {
    let mut servers = Vec::new();
    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    if let Some(python) = python_or_skip(&format!("{test} (S3)"), &["moto.server", "boto3"]) {
        let port = port();
        let mut command = Command::new(&python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        servers.push(start(Kind::S3, command, port, &python));
    }
    let azurite = std::env::var_os("MICROTOME_AZURITE").map(PathBuf::from).filter(|p| p.exists());
    match azurite {
        None => skip(&format!("{test} (Azure)"), "no Azurite"),
        Some(azurite) => {
            if let Some(python) =
                python_or_skip(&format!("{test} (Azure)"), &["azure.storage.blob"])
            {
                let port = port();
                let mut command = Command::new(azurite);
                command.args(["--silent", "--skipApiVersionCheck", "--inMemoryPersistence"]);
                command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
                servers.push(start(Kind::Azure, command, port, &python));
            }
        }
    }
    servers
}

impl Server {
    /// A root on the server, through a store with the credentials in it.
    pub fn root(&self, prefix: &str) -> Root {
        match self.kind {
            Kind::S3 => {
                let store = AmazonS3Builder::new()
                    .with_endpoint(&self.endpoint)
                    .with_allow_http(true)
                    .with_bucket_name("bucket")
                    .with_region("us-east-1")
                    .with_access_key_id("id")
                    .with_secret_access_key("secret")
                    .build()
                    .unwrap();
                Root::over(Arc::new(store), prefix).unwrap()
            }
            Kind::Azure => {
                let store = MicrosoftAzureBuilder::new()
                    .with_account(ACCOUNT)
                    .with_access_key(KEY)
                    .with_endpoint(format!("{}/{ACCOUNT}", self.endpoint))
                    .with_allow_http(true)
                    .with_container_name("bucket")
                    .build()
                    .unwrap();
                Root::over(Arc::new(store), prefix).unwrap()
            }
        }
    }

    /// The command line, with the server and its credentials in the environment.
    fn microtome(&self, args: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
        match self.kind {
            Kind::S3 => command
                .env("AWS_ENDPOINT", &self.endpoint)
                .env("AWS_ALLOW_HTTP", "true")
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ACCESS_KEY_ID", "id")
                .env("AWS_SECRET_ACCESS_KEY", "secret"),
            Kind::Azure => command
                .env("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
                .env("AZURE_STORAGE_ACCOUNT_KEY", KEY)
                .env("AZURE_ENDPOINT", format!("{}/{ACCOUNT}", self.endpoint))
                .env("AZURE_ALLOW_HTTP", "true"),
        };
        command.args(args).stdin(Stdio::null()).output().unwrap()
    }

    fn scheme(&self) -> &'static str {
        if self.kind == Kind::S3 { "s3" } else { "az" }
    }
}

#[test]
fn the_command_line_reads_and_writes_a_store() {
    let slides = fixture("slides");
    let (slides, here) = (slides.to_str().unwrap(), tempdir().unwrap());
    let tile = ["--level", "0", "--min-tissue", "0.3", "--format", "jpeg", "--max-failures", "9"];
    let local = Command::new(env!("CARGO_BIN_EXE_microtome"))
        .args(["tile", slides, "-o", here.path().to_str().unwrap()])
        .args(tile)
        .output()
        .unwrap();
    assert!(local.status.success(), "{}", String::from_utf8_lossy(&local.stderr));
    let wanted = std::fs::read(here.path().join("manifest.parquet")).unwrap();
    for server in servers("the_command_line_reads_and_writes_a_store") {
        let ok = |args: &[&str]| {
            let output = server.microtome(args);
            let text =
                [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned());
            assert!(output.status.success(), "{args:?}: {text:?}");
            text[0].clone()
        };
        // Slides that are in the store themselves.
        for name in ["he-svs.svs", "he-pyramid.tif"] {
            let bytes = std::fs::read(fixture("slides").join(name)).unwrap();
            server.root("slides/below").replace(name, &bytes).unwrap();
        }
        let url = |path: &str| format!("{}://bucket/{path}", server.scheme());
        let run = |input: &str, out: &str, more: &[&str]| {
            ok(&[&["tile", input, "-o", out][..], &tile[..], more].concat())
        };
        run(slides, &url("out"), &[]);
        assert!(
            server.root("out").read("manifest.parquet").unwrap().unwrap() == wanted,
            "the same manifest"
        );
        let again = run(slides, &url("out"), &["--json"]);
        let again: serde_json::Value = serde_json::from_str(&again).unwrap();
        assert_eq!(again["steps"][1]["made"], 0, "{again}");
        ok(&["check", &url("out")]);
        // From store to store, in shards.
        run(&url("slides"), &url("whole"), &["--pack", "1MB"]);
        for shard in ["0/2", "1/2"] {
            run(&url("slides"), &url("parts"), &["--pack", "1MB", "--shard", shard]);
        }
        ok(&["merge", &url("parts"), "-o", &url("parts")]);
        let manifest = |root: &str| server.root(root).read("manifest.parquet").unwrap().unwrap();
        assert!(manifest("whole") == manifest("parts"), "shards merge to the bytes of one run");
        ok(&["check", &url("parts"), "--sources"]);
        // And in legs, as a cluster does it.
        let legs = url("legs");
        let leg = |number: u32| format!("{number}:scan,tile");
        ok(&["scan", &url("slides"), "-o", &legs, "--leg", &leg(1)]);
        for shard in ["1/2", "0/2"] {
            run(&legs, &legs, &["--pack", "1MB", "--leg", &leg(2), "--shard", shard]);
        }
        ok(&["merge", &legs, "-o", &legs, "--leg", &leg(2), "--shards", "2"]);
        assert!(manifest("whole") == manifest("legs"), "legs leave the bytes of one run");
        ok(&["check", &legs, "--sources"]);
        // An index of components lies there as well as anywhere.
        let index = std::fs::read(root().join("components/index.json")).unwrap();
        server.root("released").replace("index.json", &index).unwrap();
        let listed = ok(&["steps", "tile", "--registry", &url("released/index.json")]);
        assert!(listed.starts_with("tile ") && listed.ends_with("as here\n"), "{listed}");
        let ids = server.root("whole").manifest().unwrap().read_all().unwrap();
        assert!(ids[0].id.starts_with("below/he-pyramid.tif/"), "{}", ids[0].id);
    }
}

#[test]
fn wrong_credentials_end_in_an_error_that_does_not_show_them() {
    for server in servers("wrong_credentials_end_in_an_error_that_does_not_show_them") {
        let wrong = "bm90IHRoZSByaWdodCBrZXk=";
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
        command
            .env("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
            .env("AZURE_STORAGE_ACCOUNT_KEY", wrong)
            .env("AZURE_ENDPOINT", format!("{}/{ACCOUNT}", server.endpoint))
            .env("AZURE_ALLOW_HTTP", "true");
        // moto takes any credentials: there, the bucket is the one that is wrong.
        command
            .env("AWS_ENDPOINT", &server.endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", wrong);
        let bucket =
            if server.kind == Kind::S3 { "s3://no-such-bucket/x" } else { "az://bucket/x" };
        let output = command
            .args(["scan", bucket, "-o"])
            .arg(tempdir().unwrap().path().join("o"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(4));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("error: ") && text.contains("remedy: "), "{text}");
        assert!(!text.contains(wrong) && !text.contains("Signature"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}
