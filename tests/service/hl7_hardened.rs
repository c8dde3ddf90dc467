//! HL7 v2 against what goes wrong on a line: certificates of others, messages that were
//! damaged on their way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use accord::foundation::{Chance as _, SeededChance};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::mllp::{Hl7World, SETTINGS, framed};
use crate::world::times;

fn register(sender: &str, id: &str, authority: &str) -> String {
    format!(
        "MSH|^~\\&|{sender}|ACCORD|KENT|20260301101500||ADT^A31|{id}|P|2.5\nEVN||20260301101500\n\
         PID|||G1^^^{authority}~9990000018^^^NHS^NH||Thornwick^Imogen^May^^Mrs^^L||19800512|F|||4 Quarry Lane^^Leeds^^LS8 2QD^^H\n\
         PD1|||High Street^^G82001\nNK1|1|Thornwick^Ambrose|SPO||01632 960001\nZPI|kept"
    )
}

#[test]
fn i20_a_damaged_message_is_answered_once_and_stops_nobody() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    let chance = SeededChance::new(20_261_128);
    let below = |bound: usize| {
        let mut bytes = [0; 8];
        chance.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % bound as u64).expect("a small number")
    };
    for round in 0..times("ACCORD_HL7_DAMAGED", 120) {
        let mut message = framed(&register("PRACTICE|G82001", &format!("d{round}"), "GP"));
        let header = message
            .iter()
            .position(|byte| *byte == b'\r')
            .expect("a header");
        let whole = round % 4 != 0;
        let from = if whole { header } else { 1 };
        for _ in 0..=below(6) {
            let place = from + below(message.len() - 3 - from);
            match below(4) {
                0 => drop(message.remove(place)),
                1 => message.insert(place, b"|^~\\&\rA\"\xC3\x00"[below(10)]),
                2 => message[place] = b"|^~\\&\rZ9\xFF\x1B"[below(10)],
                _ => message[place] = message[place].rotate_left(1) & 0x7F | 0x20,
            }
        }
        engine.sends_bytes(&message);
        let reply = engine.receives().expect("an answer");
        if whole {
            assert_eq!(reply.field("MSA", 2), format!("d{round}"), "{}", reply.text);
        }
        assert!(
            matches!(reply.field("MSA", 1), "AA" | "AE" | "AR"),
            "{}",
            reply.text
        );
    }
    // Each got one answer: the next is of the next message.
    engine
        .asks(&register("PRACTICE|G82001", "last", "GP"))
        .expect("AA");
    assert!(
        !here.world.log().contains("panicked"),
        "{}",
        here.world.log()
    );
    here.world.verify();
}

/// Runs `openssl` in a folder.
pub(crate) fn openssl(folder: &Path, arguments: &str) -> String {
    let ended = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stderr(Stdio::null())
        .output()
        .expect("openssl");
    assert!(ended.status.success(), "openssl {arguments}");
    String::from_utf8(ended.stdout).expect("text")
}

/// An authority, a server and two clients, each with its key.
pub(crate) fn make_certificates(folder: &Path) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("req -x509 {KEY} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"),
    );
    for name in ["server", "pas", "other"] {
        openssl(
            folder,
            &format!(
                "req {KEY} -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName=IP:127.0.0.1"
            ),
        );
        openssl(
            folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -copy_extensions copy"
            ),
        );
    }
}

/// A line by TLS, as the client of this name.
pub(crate) fn line_of(
    folder: &Path,
    address: &str,
    client: Option<&str>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let certificate =
        |name: &str| CertificateDer::from_pem_file(folder.join(name)).expect("a certificate");
    roots.add(certificate("ca.pem")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key =
                PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).expect("a key");
            let own = vec![certificate(&format!("{name}.pem"))];
            builder
                .with_client_auth_cert(own, key)
                .expect("a certificate with its key")
        }
    };
    let server = ServerName::try_from("127.0.0.1").expect("an address");
    let session = ClientConnection::new(Arc::new(config), server).expect("a session");
    let stream = TcpStream::connect(address).expect("somebody listens");
    StreamOwned::new(session, stream)
}

/// SHA-256 of a client's certificate.
pub(crate) fn fingerprint(folder: &Path, name: &str) -> String {
    let said = openssl(
        folder,
        &format!("x509 -in {name}.pem -noout -fingerprint -sha256"),
    );
    let print = said.trim().rsplit('=').next().expect("a fingerprint");
    print.to_owned()
}

/// Sends a message by TLS; `None` when the line is not given or closed.
fn asks(folder: &Path, address: &str, client: Option<&str>, message: &str) -> Option<String> {
    let mut stream = line_of(folder, address, client);
    stream.write_all(&framed(message)).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1_024];
    while !answer.ends_with(&[0x1C, 0x0D]) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
        }
    }
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_certificate_is_bound_to_its_sender_and_a_line_without_one_is_closed() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("left out: the story needs openssl");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    make_certificates(folder);
    let fingerprint = fingerprint(folder, "pas");
    let place = folder.display();
    let senders = SETTINGS.replace(
        "application = \"PAS\"",
        &format!("application = \"PAS\"\ncertificate = \"{fingerprint}\""),
    );
    let here = Hl7World::with(&format!(
        "[[listener]]\n[listener.tls]\ncertificate = \"{place}/server.pem\"\nkey = \"{place}/server.key\"\nclients = \"{place}/ca.pem\"\n{senders}"
    ))
    .serves();
    let address = here.address();
    let own = register("PAS|RVV", "1", "RVV");
    let told = asks(folder, &address, Some("pas"), &own).expect("an answer");
    assert!(told.contains("MSA|AA|1"), "{told}");
    let told = asks(folder, &address, Some("other"), &own).expect("an answer");
    assert!(
        told.contains("MSA|AR|1") && told.contains("may not use the name"),
        "{told}"
    );
    let another = register("PRACTICE|G82001", "2", "GP");
    let told = asks(folder, &address, Some("pas"), &another).expect("an answer");
    assert!(told.contains("MSA|AR|2"), "{told}");
    assert_eq!(asks(folder, &address, None, &own), None);
    // What speaks no TLS gets nothing either.
    let mut plain = here.connects();
    plain.sends(&own);
    assert!(plain.receives_nothing());
    here.world.verify();
}

/// Takes notices until it has seen `count`, with AE for the first attempt at each.
fn listens(listener: std::net::TcpListener, count: usize) -> std::thread::JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut taken: Vec<String> = Vec::new();
        let mut refused = std::collections::BTreeSet::new();
        while taken.len() < count {
            let (stream, _) = listener.accept().expect("a connection");
            let mut engine = crate::mllp::Engine::over(stream);
            while let Some(notice) = engine.receives() {
                let id = notice.field("MSH", 10).to_owned();
                let first = refused.insert(id.clone());
                let code = if first { "AE" } else { "AA" };
                engine.sends(&format!(
                    "MSH|^~\\&|X|X|ACCORD||||ACK|1|P|2.5\nMSA|{code}|{id}"
                ));
                // What came before in its message comes again: its control id says so.
                if !first && !taken.iter().any(|it| it.contains(&id)) {
                    taken.push(notice.text);
                }
            }
        }
        taken
    })
}

#[test]
fn another_system_is_told_of_links_and_merges_by_hl7_until_it_has_taken_them() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = format!("mllp://{}", listener.local_addr().expect("an address"));
    let settings = format!("[[listener]]\ntrusts_network = true\n{SETTINGS}");
    let more = [
        ("ACCORD_WEBHOOK_HOSTS", address.clone()),
        ("ACCORD_WEBHOOK_PRIVATE", "on".to_owned()),
        ("ACCORD_WEBHOOK_WAIT_SECONDS", "0".to_owned()),
    ];
    let here = Hl7World::with_more(&settings, &more).serves();
    let allowed = ["--webhook-hosts", &address, "--webhook-private", "on"];
    let add = [
        "webhook", "add", &address, "--actor", "engine", "--source", "gp",
    ];
    here.world.accord(&[&add[..], &allowed].concat()).expect(0);
    let told = listens(listener, 4);
    let mut engine = here.connects();
    for id in ["G1", "G2"] {
        let message = register("PRACTICE|G82001", id, "GP")
            .replace("G1^^^GP~9990000018^^^NHS^NH", &format!("{id}^^^GP"));
        let message = message.replace("Imogen^May", if id == "G1" { "Imogen^May" } else { "I" });
        let message = if id == "G2" {
            message.replace("19800512", "1980")
        } else {
            message
        };
        engine.asks(&message).expect("AA");
    }
    let (survivor, retired) = (
        here.world.cross_reference("gp", "G1").person(),
        here.world.cross_reference("gp", "G2").person(),
    );
    assert_ne!(survivor, retired);
    let merge = register("PRACTICE|G82001", "m", "GP").replace("ADT^A31", "ADT^A40");
    engine.asks(&format!("{merge}\nMRG|G2^^^GP")).expect("AA");
    let told = told.join().expect("the notices were taken");
    let has = |event: &str, ids: &[&str]| {
        told.iter()
            .any(|notice| notice.contains(event) && ids.iter().all(|id| notice.contains(id)))
    };
    assert!(
        has(
            "ADT^A31",
            &[&survivor, "G1^^^GP&2.16.840.1.113883.2.1.3.2.4.18.1&ISO"]
        ),
        "{told:?}"
    );
    assert!(has("ADT^A31", &[&survivor, "G2^^^GP"]), "{told:?}");
    let merged = format!("MRG|{retired}^^^ACCORD");
    assert!(has("ADT^A40", &[&survivor, &merged]), "{told:?}");
    assert!(
        told.iter().all(|notice| !notice.contains("Thornwick")),
        "{told:?}"
    );
    here.world.verify();
}

/// Takes one notice by TLS with the certificate of `name`; `None` where the other side
/// does not want it.
fn takes_by_tls(listener: &std::net::TcpListener, folder: &Path, name: &str) -> Option<String> {
    let own = CertificateDer::from_pem_file(folder.join(format!("{name}.pem")));
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key")));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.expect("a certificate")], key.expect("a key"))
        .expect("a certificate with its key");
    let session = rustls::ServerConnection::new(Arc::new(config)).expect("a session");
    let (stream, _) = listener.accept().expect("a connection");
    let mut line = StreamOwned::new(session, stream);
    let mut notice = Vec::new();
    let mut buffer = [0; 1_024];
    while !notice.ends_with(b"\x1c\r") {
        match line.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => notice.extend_from_slice(&buffer[..read]),
        }
    }
    let notice = String::from_utf8(notice).expect("text");
    let answer = framed("MSH|^~\\&|X|X|ACCORD||||ACK|1|P|2.5\nMSA|AA|1");
    line.write_all(&answer).expect("the answer leaves");
    line.flush().expect("the answer leaves");
    Some(notice)
}

/// Makes a certificate that nobody vouches for.
const STRANGER: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout stranger.key -out stranger.pem -subj /CN=stranger -days 2 -addext subjectAltName=IP:127.0.0.1";

#[test]
fn a_notice_goes_by_tls_to_whom_an_authority_vouches_for_and_to_nobody_else() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("left out: the story needs openssl");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_owned();
    make_certificates(&folder);
    openssl(&folder, STRANGER);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = format!("mllps://{}", listener.local_addr().expect("an address"));
    let settings = format!(
        "[notices]\nauthorities = \"{}/ca.pem\"\n[[listener]]\ntrusts_network = true\n{SETTINGS}",
        folder.display()
    );
    let more = [
        ("ACCORD_WEBHOOK_HOSTS", address.clone()),
        ("ACCORD_WEBHOOK_PRIVATE", "on".to_owned()),
        ("ACCORD_WEBHOOK_WAIT_SECONDS", "0".to_owned()),
    ];
    let here = Hl7World::with_more(&settings, &more).serves();
    let allowed = ["--webhook-hosts", &address, "--webhook-private", "on"];
    let add = [
        "webhook", "add", &address, "--actor", "engine", "--source", "gp",
    ];
    here.world.accord(&[&add[..], &allowed].concat()).expect(0);
    let told = std::thread::spawn(move || {
        let stranger = takes_by_tls(&listener, &folder, "stranger");
        (stranger, takes_by_tls(&listener, &folder, "server"))
    });
    let mut engine = here.connects();
    engine
        .asks(&register("PRACTICE|G82001", "t", "GP"))
        .expect("AA");
    let (stranger, known) = told.join().expect("the reader has listened");
    assert_eq!(stranger, None, "nothing is told to a stranger");
    let known = known.expect("a notice");
    let person = here.world.cross_reference("gp", "G1").person();
    assert!(
        known.contains("ADT^A31") && known.contains(&person),
        "{known}"
    );
    here.world.verify();
}
