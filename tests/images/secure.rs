//! Names and TLS from inside an image: a static binary looks up names by itself, and trusts the bundle that the image
//! has, or the one that `SSL_CERT_FILE` names.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use microtome::describe::interface;

use crate::{common, folder_or_skip, locked, ok, shared_folder};

/// A name that only the hosts file of the container knows. Of one word: the server takes `a.b` for a bucket `a`.
const NAME: &str = "store";

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(folder: &Path, line: &str) {
    ok(Command::new("openssl").args(line.split(' ')).current_dir(folder).output().unwrap());
}

/// A CA of our own, and a certificate of it for [`NAME`].
fn certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test"));
    let names = format!("subjectAltName=DNS:{NAME},IP:127.0.0.1");
    openssl(
        folder,
        &format!("req {key} -keyout server.key -out server.csr -subj /CN={NAME} -addext {names}"),
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -copy_extensions copy",
    );
}

#[test]
fn an_image_finds_a_store_by_name_and_trusts_who_it_is_told_to() {
    let test = "an_image_finds_a_store_by_name_and_trusts_who_it_is_told_to";
    let Some(_) = folder_or_skip(test) else { return };
    let Some(python) = common::python_or_skip(test, &["moto.server", "boto3"]) else { return };
    if Command::new("openssl").arg("version").output().is_err() {
        return common::skip(test, "no openssl");
    }
    let folder = shared_folder();
    certificates(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = Server(
        Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .args(["-c", "server.pem", "-k", "server.key"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    let bucket = format!(
        "import boto3; boto3.client('s3', endpoint_url='https://127.0.0.1:{port}', region_name='us-east-1', \
         aws_access_key_id='id', aws_secret_access_key='secret', verify='ca.pem').create_bucket(Bucket='bucket')"
    );
    ok(Command::new(&python).args(["-c", &bucket]).current_dir(folder.path()).output().unwrap());

    let slides = common::fixture("slides");
    let slides = slides.to_str().unwrap();
    let scan = interface::image(microtome::steps::find("scan").unwrap());
    let more = [
        "--network=host".to_string(),
        // Tables on their way to a store are files of /tmp for a moment.
        "--tmpfs=/tmp:rw,mode=1777".to_string(),
        format!("--add-host={NAME}:127.0.0.1"),
        format!("--volume={slides}:{slides}:ro"),
        format!("--volume={}/ca.pem:/ca.pem:ro", folder.path().display()),
        format!("--env=AWS_ENDPOINT=https://{NAME}:{port}"),
        "--env=AWS_REGION=us-east-1".to_string(),
        "--env=AWS_ACCESS_KEY_ID=id".to_string(),
        "--env=AWS_SECRET_ACCESS_KEY=secret".to_string(),
    ];
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let command = ["/microtome-scan", slides, "-o", "s3://bucket/out"];
    // The bundle of the image does not know this CA; that is all that differs between the two runs.
    let refused = locked(&scan, &more, &command);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && words.contains(&format!("https://{NAME}:{port}")),
        "{words}"
    );

    ok(locked(&scan, &[&more[..], &["--env=SSL_CERT_FILE=/ca.pem"]].concat(), &command));
    let here = folder.path().join("here");
    ok(Command::new(env!("CARGO_BIN_EXE_microtome"))
        .args(["scan", slides, "-o", here.to_str().unwrap()])
        .output()
        .unwrap());
    let there = folder.path().join("there.parquet");
    let fetch = bucket.split(".create_bucket").next().unwrap().to_string()
        + ".download_file('bucket', 'out/manifest.parquet', 'there.parquet')";
    ok(Command::new(&python).args(["-c", &fetch]).current_dir(folder.path()).output().unwrap());
    assert!(
        std::fs::read(here.join("manifest.parquet")).unwrap() == std::fs::read(there).unwrap(),
        "the same manifest"
    );
}
