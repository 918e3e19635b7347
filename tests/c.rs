//! The C programs of tests/c, against the released library and the development gateway, and again
//! under valgrind.

mod support;

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::keys::Keys;
use support::programs::{C, CPP, WARNINGS, clean, library_that_panics, program, valgrind};
use support::{Gateway, artefacts, root, run, scratch};

/// The environment that tests/c/calls.c and process.c read.
fn environment(gateway: &Gateway) -> Vec<(&'static str, String)> {
    let at = |name: &str| format!("localhost:{}", gateway.get(name));
    let token_url = |name: &str| format!("https://{}/oauth/token", at(name));
    vec![
        ("PLAINTEXT", at("plaintext")),
        ("PLAINTEXT_OAUTH", at("plaintext_oauth")),
        ("TLS", at("tls")),
        ("TLS_OAUTH", at("tls_oauth")),
        ("RESET", at("reset")),
        ("RESET_TLS", at("reset_tls")),
        ("CONTROL", gateway.get("control")),
        ("TOKEN_URL", token_url("token_https")),
        ("TOKEN_MTLS_URL", token_url("token_mtls")),
        ("MTLS", at("mtls")),
        ("CLIENT_KEY", gateway.get("client_key")),
        ("CLIENT_CERTIFICATE", gateway.get("client_certificate")),
        ("CA", gateway.get("ca")),
        ("OTHER_CA", gateway.get("other_ca")),
    ]
}

#[test]
fn options_are_named_by_the_errors_that_they_cause() {
    let program = program(C, "options.c", &["-lzeebe"]);
    run(&mut clean(Command::new(&program)));
}

#[test]
fn arguments_are_checked() {
    let shared = program(C, "arguments.c", &["-lzeebe"]);
    run(&mut clean(Command::new(&shared)));
    run(&mut valgrind(&shared));
    let linked = program(C, "arguments.c", &["-l:libzeebe.a", "-ldl", "-lm"]);
    run(&mut clean(Command::new(linked)));
}

#[test]
fn the_header_is_cpp() {
    run(&mut clean(Command::new(program(
        CPP,
        "header.cpp",
        &["-lzeebe"],
    ))));
}

/// Another compiler has other warnings; to read them is enough.
#[test]
fn clang_has_no_complaints() {
    let programs = |extension: &str| -> Vec<PathBuf> {
        let files = std::fs::read_dir(root().join("tests/c")).unwrap();
        files
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ends| ends == extension))
            // What it replaces is of gcc's runtime.
            .filter(|path| !path.ends_with("thread_sanitizer.c"))
            .collect()
    };
    for (language, clang, extension) in [(C, "clang", "c"), (CPP, "clang++", "cpp")] {
        let programs = programs(extension);
        assert!(!programs.is_empty());
        run(Command::new(clang)
            .args([language[2], "-fsyntax-only"])
            .args(WARNINGS)
            .arg("-I")
            .arg(root().join("include"))
            .args(programs));
    }
}

#[test]
fn calls_end_once_and_say_how() {
    let gateway = Gateway::start("calls");
    let program = program(C, "calls.c", &["-lzeebe"]);
    run(clean(Command::new(&program)).envs(environment(&gateway)));
    run(valgrind(&program).envs(environment(&gateway)));
}

#[test]
fn requests_are_on_the_wire_as_a_gateway_takes_them() {
    let program = program(C, "requests.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "requests");
    with_gateways(valgrind(&program), "requests-valgrind");
}

/// A file with the descriptor set of a protocol of tests/c/protocols.
fn descriptor_set(name: &str, file: &str, with_imports: bool) -> PathBuf {
    let mut compiler = protox::Compiler::new([root().join("tests/c/protocols")]).unwrap();
    compiler
        .include_imports(with_imports)
        .open_file(name)
        .unwrap();
    let path = scratch("c").join(file);
    std::fs::write(&path, compiler.encode_file_descriptor_set()).unwrap();
    path
}

#[test]
fn messages_are_json_by_the_name_of_their_rpc() {
    let gateway = Gateway::start("json");
    let program = program(C, "json.c", &["-lzeebe"]);
    let sets = [
        ("NEWER", descriptor_set("newer.proto", "newer.bin", true)),
        ("CUSTOM", descriptor_set("custom.proto", "custom.bin", true)),
        (
            "INCOMPLETE",
            descriptor_set("custom.proto", "incomplete.bin", false),
        ),
    ];
    for mut command in [clean(Command::new(&program)), valgrind(&program)] {
        let sets = sets.iter().map(|(name, path)| (name, path));
        run(command.envs(environment(&gateway)).envs(sets));
    }
}

#[test]
fn a_thread_with_little_stack_is_enough_for_all_that_nests() {
    let program = program(C, "stack.c", &["-lzeebe"]);
    let set = descriptor_set("deep.proto", "deep.bin", true);
    for (mut command, name) in [
        (clean(Command::new(&program)), "stack"),
        (valgrind(&program), "stack-valgrind"),
    ] {
        command.env("DEEP", &set);
        with_gateways(command, name);
    }
}

#[test]
fn a_host_has_its_threads_logs_and_plugins() {
    let gateway = Gateway::start("host");
    let program = program(C, "host.c", &["-lzeebe"]);
    run(clean(Command::new(&program)).envs(environment(&gateway)));
    run(valgrind(&program).envs(environment(&gateway)));
}

#[test]
fn callbacks_have_their_threads_their_order_and_their_limits() {
    let gateway = Gateway::start("callbacks");
    let program = program(C, "callbacks.c", &["-lzeebe"]);
    run(clean(Command::new(&program)).envs(environment(&gateway)));
    run(valgrind(&program)
        .arg("under-valgrind")
        .envs(environment(&gateway)));
    for _ in 0..20 {
        run(clean(Command::new(&program))
            .arg("exit")
            .envs(environment(&gateway)));
    }
}

/// tests/c/gateway.h starts gateways of its own.
fn with_gateways(mut command: Command, name: &str) -> String {
    run(command
        .env("GATEWAY", support::gateway_program())
        .env("SCRATCH", scratch(name)))
}

#[test]
fn a_channel_connects_balances_and_lies_idle() {
    let program = program(C, "channel.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "channel");
}

#[test]
fn a_peer_that_floods_costs_itself_a_connection_and_others_nothing() {
    let program = program(C, "floods.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "floods");
}

#[test]
fn job_streams_do_not_stall() {
    let program = program(C, "job_streams.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "job-streams");
    let mut on_callback_threads = clean(Command::new(&program));
    on_callback_threads.arg("callback-threads");
    with_gateways(on_callback_threads, "job-streams-on-callback-threads");
    with_gateways(valgrind(&program), "job-streams-valgrind");
}

#[test]
fn a_job_worker_outlasts_what_fails_on_its_own_side() {
    let program = program(C, "lasting_workers.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "lasting-workers");
    with_gateways(valgrind(&program), "lasting-workers-valgrind");
}

#[test]
fn a_job_worker_gives_jobs_and_sends_their_ends() {
    let program = program(C, "job_worker.c", &["-lzeebe"]);
    std::thread::scope(|scope| {
        let of_library = clean(Command::new(&program));
        let mut on_callback_threads = clean(Command::new(&program));
        on_callback_threads.arg("callback-threads");
        for (command, name) in [
            (of_library, "job-worker"),
            (on_callback_threads, "job-worker-on-callback-threads"),
        ] {
            scope.spawn(move || with_gateways(command, name));
        }
    });
    with_gateways(valgrind(&program), "job-worker-valgrind");
}

#[test]
fn the_workers_report_what_is_so_and_lose_no_job() {
    support::make("examples");
    let program = program(C, "workers.c", &["-lzeebe"]);
    // Side by side: they wait most of the time.
    std::thread::scope(|scope| {
        for name in [
            "worker-blocking",
            "worker-epoll",
            "worker-callbacks",
            "worker-cpp",
        ] {
            let mut command = clean(Command::new(&program));
            command.arg(root().join("build").join(name));
            scope.spawn(move || with_gateways(command, name));
        }
    });
}

#[test]
fn a_peer_that_stopped_is_noticed() {
    let program = program(C, "keepalive.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "keepalive");
}

#[test]
fn queues_hold_what_happened_until_it_is_taken() {
    let program = program(C, "queues.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "queues");
    with_gateways(valgrind(&program), "queues-valgrind");
}

#[test]
fn a_runtime_is_driven_by_the_programs_threads() {
    let program = program(C, "caller_driven.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "caller-driven");
    with_gateways(valgrind(&program), "caller-driven-valgrind");
}

#[test]
fn what_is_asynchronous_ends_on_a_queue() {
    let program = program(C, "queued.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "queued");
    with_gateways(valgrind(&program), "queued-valgrind");
}

#[test]
fn job_streams_on_queues_hold_what_may_wait_and_lose_nothing() {
    let program = program(C, "queued_jobs.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "queued-jobs");
    with_gateways(valgrind(&program), "queued-jobs-valgrind");
}

#[test]
fn tokens_live_as_they_should() {
    let program = program(C, "tokens.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "tokens");
    with_gateways(valgrind(&program), "tokens-valgrind");
}

#[test]
fn every_answer_of_a_token_endpoint_has_its_end() {
    let program = program(C, "token_answers.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "token-answers");
    with_gateways(valgrind(&program), "token-answers-valgrind");
}

#[test]
fn a_token_endpoint_is_asked_as_the_reference_asks_it() {
    let program = program(C, "token_requests.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "token-requests");
}

#[test]
fn a_panic_is_a_log_record_and_prints_nothing() {
    let library = library_that_panics();
    let file = library.join("libzeebe.so.0");
    let program = program(C, "panics.c", &[file.to_str().unwrap()]);
    for arguments in [&[][..], &["callback-threads"]] {
        run(clean(Command::new(&program))
            .env("LD_LIBRARY_PATH", &library)
            .args(arguments));
        run(valgrind(&program)
            .env("LD_LIBRARY_PATH", &library)
            .args(arguments));
    }
}

#[test]
fn no_secret_gets_into_logs_errors_or_facts() {
    let program = program(C, "secrets.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "secrets");
}

#[test]
fn certificates_are_trusted_and_written_as_people_have_them() {
    let program = program(C, "certificates.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "certificates");
    with_gateways(valgrind(&program), "certificates-valgrind");
}

#[test]
fn a_hosts_token_source_answers_once_in_time_or_not_at_all() {
    let program = program(C, "token_source.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "token-source");
    with_gateways(valgrind(&program), "token-source-valgrind");
}

#[test]
fn processes_share_their_tokens_in_a_file() {
    let program = program(C, "token_cache.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "token-cache");
    with_gateways(valgrind(&program), "token-cache-valgrind");
}

#[test]
fn clients_prove_who_they_are_by_keys_and_certificates() {
    let keys = Keys::create(&scratch("client-authentication"));
    let known = ["rsa.pub", "ec.pub"];
    let arguments: Vec<_> = known
        .iter()
        .flat_map(|file| {
            let client = format!("signer:{}", keys.path(file));
            ["--client-key".to_owned(), client]
        })
        .collect();
    let gateway = Gateway::start_with("client-authentication", &arguments);
    let mut variables = environment(&gateway);
    for (variable, file) in [
        ("RSA_KEY", "rsa.key"),
        ("EC_KEY", "ec.key"),
        ("SEC1_KEY", "sec1.key"),
        ("OTHER_KEY", "other.key"),
        ("P384_KEY", "p384.key"),
    ] {
        variables.push((variable, keys.path(file)));
    }
    let program = program(C, "client_authentication.c", &["-lzeebe"]);
    run(clean(Command::new(&program)).envs(variables.clone()));
    run(valgrind(&program).envs(variables));
}

/// tinyproxy, ended with the test.
struct TinyProxy {
    process: Child,
    port: u16,
}

impl TinyProxy {
    fn start(name: &str, login: Option<&str>) -> Self {
        // It takes no port 0: one that is free now, and very likely still is in a moment.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory = scratch(name);
        let login = login.map_or(String::new(), |login| format!("BasicAuth {login}\n"));
        let configuration = directory.join("tinyproxy.conf");
        let log = directory.join("tinyproxy.log");
        let text = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 600\nLogFile \"{}\"\n{login}",
            log.display()
        );
        std::fs::write(&configuration, text).unwrap();
        let mut process = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(configuration)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "tinyproxy ended");
            std::thread::yield_now();
        }
        Self { process, port }
    }
}

impl Drop for TinyProxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn proxies_are_gone_through() {
    let program = program(C, "proxies.c", &["-lzeebe"]);
    let open = TinyProxy::start("proxy", None);
    let closed = TinyProxy::start("proxy-with-password", Some("user secret"));
    let mut command = clean(Command::new(&program));
    command
        .env("PROXY", open.port.to_string())
        .env("PROXY_WITH_PASSWORD", closed.port.to_string());
    with_gateways(command, "proxies");
}

#[test]
fn no_call_is_lost_or_doubled_while_the_gateway_restarts() {
    let program = program(C, "restarts.c", &["-lzeebe"]);
    let mut command = clean(Command::new(&program));
    command.args(["8", "1000"]); // the long form: 600 10000
    with_gateways(command, "restarts");
}

#[test]
fn workers_lose_and_end_twice_no_job_while_the_gateway_restarts() {
    let program = program(C, "job_worker_restarts.c", &["-lzeebe"]);
    let mut command = clean(Command::new(&program));
    command.args(["10", "500"]); // the long form: 1800 5000
    with_gateways(command, "job-worker-restarts");
}

#[test]
fn chaos_loses_and_doubles_nothing() {
    let gateway = Gateway::start("chaos");
    let address = format!("127.0.0.1:{}", gateway.get("plaintext"));
    let program = program(C, "chaos.c", &["-lzeebe"]);
    run(clean(Command::new(&program))
        .arg("100000")
        .env("ADDRESS", &address));
    run(valgrind(&program).arg("2000").env("ADDRESS", &address));
}

#[test]
fn chaos_on_queues_loses_and_doubles_nothing() {
    let gateway = Gateway::start("chaos-queues");
    let address = format!("127.0.0.1:{}", gateway.get("plaintext"));
    let program = program(C, "chaos_queues.c", &["-lzeebe"]);
    run(clean(Command::new(&program))
        .arg("150000") // of these a quarter are posts, or refused
        .env("ADDRESS", &address));
    run(valgrind(&program).arg("3000").env("ADDRESS", &address));
}

#[test]
fn channels_live_without_further_threads() {
    let program = program(C, "threads.c", &["-lzeebe", "-ldl"]);
    with_gateways(clean(Command::new(&program)), "threads");
    with_gateways(valgrind(&program), "threads-valgrind");
}

#[test]
fn every_fault_has_its_status() {
    let program = program(C, "faults.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "faults");
    with_gateways(valgrind(&program), "faults-valgrind");
}

#[test]
fn every_answer_has_its_status() {
    let program = program(C, "answers.c", &["-lzeebe"]);
    with_gateways(clean(Command::new(&program)), "answers");
    with_gateways(valgrind(&program), "answers-valgrind");
}

#[test]
fn the_process_survives_resets_forks_and_exits() {
    let gateway = Gateway::start("process");
    let program = program(C, "process.c", &["-lzeebe"]);
    let run_it = |argument: &str| {
        run(clean(Command::new(&program))
            .arg(argument)
            .env("RESETS", "1000")
            .envs(environment(&gateway)))
    };
    run_it("all");
    run(valgrind(&program)
        .args(["all", "under-valgrind"])
        .env("RESETS", "20")
        .envs(environment(&gateway)));
    for _ in 0..20 {
        run_it("exit");
    }
    let library = artefacts().join("lib/libzeebe.so.0");
    let load = self::program(C, "load.c", &["-ldl"]);
    run(Command::new(load)
        .arg(library)
        .arg(format!("127.0.0.1:{}", gateway.get("plaintext"))));
}
