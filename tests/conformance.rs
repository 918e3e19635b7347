//! Runs the conformance cases through the driver of each language.
//!
//! They are `tests/conformance/vectors.json`, which was recorded, and `durations.json`, our own: a leeway or a lifetime may be a fraction of
//! a second, which a driver gives to its binding as it is and the binding rounds up; C has whole seconds, so the C driver rounds.
//! `ZEEBE_CONFORMANCE_VECTORS` names another file of cases to run instead.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// A driver may wait ten seconds for a token.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The first start of a driver may build the library.
const BUILD_TIMEOUT: Duration = Duration::from_secs(3600);

type Environment = BTreeMap<String, String>;

#[test]
fn the_c_driver_answers_all_cases() {
    holds("c");
}

#[test]
fn the_cpp_driver_answers_all_cases() {
    holds("cpp");
}

#[test]
fn the_go_driver_answers_all_cases() {
    holds("go");
}

#[test]
fn the_java_driver_answers_all_cases() {
    holds("java");
}

#[test]
fn the_python_driver_answers_all_cases() {
    holds("python");
}

fn holds(language: &str) {
    build_drivers();
    answers_all_cases(language);
    answers_malformed_lines(language);
}

/// Keeps the builds, which wait for each other, out of the time that an answer may take.
fn build_drivers() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        for language in ["c", "cpp", "go", "java", "python"] {
            Driver::start(language, &Environment::new()).finish_within(BUILD_TIMEOUT);
        }
    });
}

fn answers_all_cases(language: &str) {
    let endpoint = TokenEndpoint::start();
    // Nobody answers there: fetching a token needs no gateway.
    let gateway = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let groups = by_environment(cases(endpoint.port, gateway.local_addr().unwrap().port()));

    let mut count = 0;
    let mut mismatches = Vec::new();
    for (environment, cases) in groups {
        let mut driver = Driver::start(language, &environment);
        for case in cases {
            endpoint.forget();
            let answer = driver.ask(case.request().to_string().as_bytes());
            mismatches.extend(case.mismatches(answer, endpoint.first_request()));
            count += 1;
        }
        driver.finish_within(ANSWER_TIMEOUT);
    }
    // Past the test harness, which would keep it to itself.
    let mut output = io::stdout();
    writeln!(
        output,
        "conformance: the {language} driver was asked {count} cases"
    )
    .unwrap();
    assert!(count > 0, "no cases");
    assert!(
        mismatches.is_empty(),
        "{} of {count} cases differ:\n{}",
        mismatches.len(),
        mismatches.join("\n")
    );
}

fn answers_malformed_lines(language: &str) {
    let deep = "[".repeat(100_000);
    let unreadable: &[&[u8]] = &[
        b"",
        b" ",
        b"no JSON",
        b"nul",
        b"{",
        b"}",
        b"{\"id\": \"a\", \"function\": \"get_zeebe_address\", \"arguments\": {}",
        b"{\"id\": \"a\", \"function\": \"get_zeebe_address\", \"arguments\": {}} more",
        b"{\"id\": \"a\",}",
        b"{\"id\": a}",
        b"{id: \"a\"}",
        b"{\"id\": 01}",
        b"{\"id\": \"a",
        b"{\"id\": \"a\\",
        b"{\"id\": \"\\x\"}",
        b"{\"id\": \"\\u12\"}",
        b"{\"id\": \"\\ud800\"}",
        b"{\"id\": \"\\udc00\\ud800\"}",
        b"{\"id\": \"\xff\"}",
        b"{\"id\": \"\xc0\xaf\"}",
        b"{\"id\": \"\t\"}",
        b"{\"id\": \"\0\"}",
        b"\0",
        deep.as_bytes(),
    ];
    let unusable = [
        json!(null),
        json!([]),
        json!("text"),
        json!({}),
        json!({"id": "a"}),
        json!({"id": "a", "function": 1}),
        json!({"id": "a", "function": "no_such_function", "arguments": {}}),
        json!({"id": {"nested": [1, "\u{0}"]}, "function": ""}),
        json!({"id": "a", "function": "get_zeebe_address", "arguments": []}),
        json!({"id": "a", "function": "get_zeebe_address", "arguments": {"default": "a\u{0}b"}}),
        json!({"id": "a", "function": "get_zeebe_address", "arguments": {"default": ["a"]}}),
        json!({"id": "a", "function": "get_camunda_address", "arguments": {"cluster_id": true}}),
        json!({"id": "a", "function": "create_insecure_channel", "arguments": {"grpc_address": {}}}),
        json!({"id": "a", "function": "create_insecure_channel", "arguments": {"channel_options": "a"}}),
        json!({"id": "a", "function": "get_channel_options", "arguments": {"options": ["a"]}}),
        json!({"id": "a", "function": "get_channel_options", "arguments": {"options": [["a"]]}}),
        json!({"id": "a", "function": "get_channel_options", "arguments": {"options": [["a", 1, 2]]}}),
        json!({"id": "a", "function": "get_channel_options", "arguments": {"options": [["a", 1.5]]}}),
        json!({"id": "a", "function": "get_channel_options", "arguments": {"options": [["a", null]]}}),
        json!({"id": "a", "function": "create_camunda_cloud_channel", "arguments": {"leeway": 1e30}}),
    ];

    let mut driver = Driver::start(language, &Environment::new());
    for line in unreadable {
        let answer = driver.ask(line);
        assert!(
            answer["failed"].is_string(),
            "{}: {answer}",
            String::from_utf8_lossy(line)
        );
    }
    for request in unusable {
        let answer = driver.ask(request.to_string().as_bytes());
        assert!(answer["failed"].is_string(), "{request}: {answer}");
        assert_eq!(answer.get("id"), request.get("id"), "{request}: {answer}");
    }

    // All of Unicode passes, escaped or not, and so the driver still works.
    let text = "\"\\/\u{1}\u{8}\t\u{7f}\u{e9}\u{2603}\u{ffff}\u{1f600}";
    let request =
        json!({"id": text, "function": "get_zeebe_address", "arguments": {"default": text}});
    assert_eq!(
        driver.ask(request.to_string().as_bytes()),
        json!({"id": text, "returns": text})
    );
    let escaped = br#"{"id": 1, "function": "get_zeebe_address", "arguments": {"default": "\u00e9\u2603\ud83d\ude00\/"}}"#;
    assert_eq!(
        driver.ask(escaped),
        json!({"id": 1, "returns": "\u{e9}\u{2603}\u{1f600}/"})
    );

    // Nor does the last line need an end.
    driver.send(br#"{"id": 2, "function": "get_zeebe_address", "arguments": {}}"#);
    driver.close_input();
    assert_eq!(
        driver.answer(),
        json!({"id": 2, "returns": "localhost:26500"})
    );
    driver.finish_within(ANSWER_TIMEOUT);
}

/// One case of the vectors.
struct Case {
    id: String,
    function: Value,
    arguments: Value,
    environment: Environment,
    expect: Map<String, Value>,
    token_request: Option<Value>,
}

impl Case {
    fn request(&self) -> Value {
        json!({
            "id": self.id,
            "function": self.function,
            "arguments": self.arguments,
            "retrieve_token": self.token_request.is_some(),
        })
    }

    /// What differs between what was expected, and what the driver answered and the token endpoint saw.
    fn mismatches(&self, answer: Value, token_request: Option<Value>) -> Vec<String> {
        let mut expected = Value::Object(self.expect.clone());
        expected["id"] = self.id.clone().into();
        if let Some(resolved) = expected.get_mut("resolved") {
            for name in ["scope", "audience"] {
                if resolved[name] == "" {
                    resolved[name] = Value::Null;
                }
            }
        }
        let without_secret = |mut value: Value| {
            if let Some(resolved) = value.get_mut("resolved").and_then(Value::as_object_mut) {
                resolved.remove("client_secret");
            }
            value
        };
        let compare = |what, expected: Value, actual: Value| {
            (expected != actual).then(|| {
                format!(
                    "{}: {what}\n  expected {expected}\n  got      {actual}",
                    self.id
                )
            })
        };
        [
            compare("answer", without_secret(expected), without_secret(answer)),
            compare(
                "token request",
                self.token_request.clone().into(),
                token_request.into(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn cases(token_port: u16, gateway_port: u16) -> Vec<Case> {
    match std::env::var_os("ZEEBE_CONFORMANCE_VECTORS") {
        Some(path) => cases_of(&PathBuf::from(path), token_port, gateway_port),
        None => ["vectors.json", "durations.json"]
            .iter()
            .flat_map(|name| cases_of(&directory().join(name), token_port, gateway_port))
            .collect(),
    }
}

fn cases_of(path: &Path, token_port: u16, gateway_port: u16) -> Vec<Case> {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("${token_port}", &token_port.to_string())
        .replace("${gateway_port}", &gateway_port.to_string());
    let mut vectors: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = vectors["cases"].take() else {
        panic!("no list of cases")
    };
    cases
        .into_iter()
        .map(|mut case| {
            let Value::Object(mut expect) = case["expect"].take() else {
                panic!("nothing expected: {case}")
            };
            Case {
                id: case["id"].as_str().unwrap().to_owned(),
                function: case["function"].take(),
                arguments: case["arguments"].take(),
                environment: serde_json::from_value(case["environment"].take()).unwrap(),
                token_request: expect
                    .remove("token_request")
                    .filter(|request| !request.is_null()),
                expect,
            }
        })
        .collect()
}

fn by_environment(cases: Vec<Case>) -> BTreeMap<Environment, Vec<Case>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for case in cases {
        groups
            .entry(case.environment.clone())
            .or_default()
            .push(case);
    }
    groups
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// A running driver.
struct Driver {
    process: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Driver {
    /// Starts a driver that sees these of the library's variables and no others.
    fn start(language: &str, environment: &Environment) -> Self {
        let path = directory().join("drivers").join(language).join("run");
        let mut command = Command::new(&path);
        for (name, _) in std::env::vars_os() {
            if ["CAMUNDA_", "ZEEBE_"]
                .iter()
                .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
            {
                command.env_remove(name);
            }
        }
        let mut process = command
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        // On a thread, so that a driver that does not answer cannot stop the test.
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self {
            process,
            input,
            answers,
        }
    }

    /// Sends one line, which must not hold a line's end, and returns the answer.
    fn ask(&mut self, line: &[u8]) -> Value {
        self.send(line);
        self.send(b"\n");
        self.answer()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(bytes)
            .expect("the driver reads its input");
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    fn answer(&self) -> Value {
        let line = self
            .answers
            .recv_timeout(ANSWER_TIMEOUT)
            .expect("the driver answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Ends the input: the driver says no more, and ends well.
    fn finish_within(mut self, timeout: Duration) {
        self.close_input();
        let end = self.answers.recv_timeout(timeout);
        assert_eq!(
            end,
            Err(RecvTimeoutError::Disconnected),
            "the driver ends with its input"
        );
        assert!(self.process.wait().unwrap().success(), "the driver fails");
    }
}

impl Drop for Driver {
    /// A test that fails leaves no driver behind; one that has ended cannot be killed, and need not be.
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A token endpoint that gives everybody a token, and remembers what it was asked.
struct TokenEndpoint {
    port: u16,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl TokenEndpoint {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || answer_token_request(connection.unwrap(), &seen).unwrap());
            }
        });
        Self { port, requests }
    }

    fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }

    fn first_request(&self) -> Option<Value> {
        self.requests.lock().unwrap().first().cloned()
    }
}

/// Reads one HTTP/1.1 request, keeps its authorization and body, and answers it with a token.
fn answer_token_request(connection: TcpStream, seen: &Mutex<Vec<Value>>) -> io::Result<()> {
    let mut reader = BufReader::new(&connection);
    let mut authorization = None;
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "authorization" => authorization = Some(value.trim().to_owned()),
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                _ => {}
            }
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    seen.lock()
        .unwrap()
        .push(json!({"authorization": authorization, "body": body}));

    let token = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#;
    write!(
        &connection,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{token}",
        token.len()
    )
}
