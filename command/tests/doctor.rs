//! The doctor: a set-up that is well, and set-ups that are broken, of each of which it names the step, the cause and the variable.

#[path = "../../tests/support/mod.rs"]
mod support;
mod zeebe;

use serde_json::{Value, json};
use support::Gateway;
use zeebe::{Zeebe, gateway};

const STEPS: [&str; 9] = [
    "settings",
    "lookup",
    "connect",
    "proxy",
    "tls",
    "http2",
    "token",
    "topology",
    "job_stream",
];

/// One that is well.
fn well(zeebe: &Zeebe) -> Vec<Value> {
    let text = zeebe.run(&["doctor"]);
    assert_eq!((text.code, &*text.err), (0, ""), "{text:?}");
    assert!(text.out.ends_with("All is well.\n"), "{text:?}");
    text.fits_a_terminal();
    let report = zeebe.json(&["doctor"]);
    assert_eq!(report["ok"], true, "{report}");
    report["steps"].as_array().unwrap().clone()
}

fn outcomes(steps: &[Value]) -> Vec<&str> {
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(names, STEPS);
    steps
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect()
}

/// One that is broken: the step, the exit code, what the cause has, a variable, and what the advice has.
#[derive(Clone, Copy)]
struct Broken<'a> {
    step: &'a str,
    exit: i32,
    cause: &'a str,
    variable: &'a str,
    advice: &'a str,
}

impl Broken<'_> {
    /// Returns the step that failed.
    fn holds(self, zeebe: &Zeebe) -> Value {
        self.holds_within("20", zeebe)
    }

    /// As [`Self::holds`], where the time-out of each step, in seconds, may be what fails.
    fn holds_within(self, timeout: &str, zeebe: &Zeebe) -> Value {
        let text = zeebe.run(&["doctor", "--timeout", timeout]);
        assert_eq!((text.code, &*text.err), (self.exit, ""), "{text:?}");
        text.fits_a_terminal();
        let said = text.said();
        for part in [self.cause, self.variable, self.advice, "skipped"] {
            assert!(
                part == "skipped" && self.step == "job_stream" || said.contains(part),
                "{part}: {text:?}"
            );
        }
        let json = zeebe.run(&["doctor", "--timeout", timeout, "--json"]);
        assert_eq!(json.code, self.exit, "{json:?}");
        let report: Value = serde_json::from_str(&json.out).unwrap();
        assert_eq!(
            (&report["ok"], &report["exit_code"]),
            (&json!(false), &json!(self.exit))
        );
        let steps = report["steps"].as_array().unwrap();
        let failed = STEPS.iter().position(|step| *step == self.step).unwrap();
        for (place, outcome) in outcomes(steps).into_iter().enumerate() {
            match place.cmp(&failed) {
                std::cmp::Ordering::Less => {
                    assert!(["ok", "not_needed"].contains(&outcome), "{report:#}")
                }
                std::cmp::Ordering::Equal => assert_eq!(outcome, "failed", "{report:#}"),
                std::cmp::Ordering::Greater => assert_eq!(outcome, "skipped", "{report:#}"),
            }
        }
        let step = &steps[failed];
        let has = |member: &str, part: &str| step[member].as_str().unwrap().contains(part);
        assert!(
            has("cause", self.cause) && has("advice", self.advice),
            "{step:#}"
        );
        let variables = step["variables"].as_array().unwrap();
        assert!(variables.contains(&json!(self.variable)), "{step:#}");
        step.clone()
    }
}

#[test]
fn what_is_well_is_said_to_be_well() {
    let gateway = gateway("doctor-well", &["--scope", "zeebe"]);
    let steps = well(&Zeebe::oauth(&gateway).with("CAMUNDA_TOKEN_SCOPE", "zeebe"));
    assert_eq!(
        outcomes(&steps),
        ["ok", "ok", "ok", "not_needed", "ok", "ok", "ok", "ok", "ok"]
    );
    let secret = &steps[0]["channel"]["settings"]["client_secret"];
    assert_eq!(
        *secret,
        json!({ "value": "<redacted>", "origin": "environment:CAMUNDA_CLIENT_SECRET" })
    );
    let certificate = &steps[4]["certificates"][0];
    assert_eq!(certificate["issuer"], "CN=zeebe-dev-gateway CA");
    assert_eq!(certificate["good_now"], true);
    assert_eq!(steps[6]["granted_scope"], "zeebe");
    assert!(
        steps[6]["expires_in_seconds"].as_u64() > Some(3500),
        "{steps:?}"
    );

    let steps = well(&Zeebe::plaintext(&gateway));
    assert_eq!(outcomes(&steps)[4], "not_needed");
    let unix = Zeebe::at(&format!("unix:{}", gateway.get("unix")))
        .with("ZEEBE_INSECURE_CONNECTION", "true");
    assert_eq!(
        outcomes(&well(&unix))[..4],
        ["ok", "not_needed", "ok", "not_needed"]
    );
}

#[test]
fn what_is_set_in_vain_is_noted() {
    let gateway = gateway("doctor-vain", &[]);
    let zeebe = Zeebe::plaintext(&gateway).with("CAMUNDA_TOKEN_AUDIENCE", "zeebe-api");
    let text = zeebe.run(&["doctor"]);
    assert!(
        text.said()
            .contains("note: CAMUNDA_TOKEN_AUDIENCE is not used"),
        "{text:?}"
    );
}

#[test]
fn settings_that_make_no_channel() {
    let gateway = gateway("doctor-settings", &[]);
    Broken {
        step: "settings",
        exit: 3,
        cause: "No CAMUNDA_CLIENT_SECRET",
        variable: "CAMUNDA_CLIENT_SECRET",
        advice: "set or change",
    }
    .holds(&Zeebe::oauth(&gateway).with("CAMUNDA_CLIENT_SECRET", ""));
    Broken {
        step: "settings",
        exit: 3,
        cause: "cannot be used",
        variable: "ZEEBE_ADDRESS",
        advice: "ZEEBE_ADDRESS",
    }
    .holds(&Zeebe::at("localhost:26500/path"));
}

#[test]
fn a_wrong_secret() {
    let gateway = gateway("doctor-secret", &[]);
    Broken {
        step: "token",
        exit: 5,
        cause: "invalid_client",
        variable: "CAMUNDA_CLIENT_SECRET",
        advice: "CAMUNDA_CLIENT_SECRET",
    }
    .holds(&Zeebe::oauth(&gateway).with("CAMUNDA_CLIENT_SECRET", "s3cret, but a wrong one"));
    Broken {
        step: "token",
        exit: 5,
        cause: "invalid_client",
        variable: "ZEEBE_CLIENT_ID",
        advice: "ZEEBE_CLIENT_ID",
    }
    .holds(
        &Zeebe::oauth(&gateway)
            .with("CAMUNDA_CLIENT_ID", "")
            .with("ZEEBE_CLIENT_ID", "nobody"),
    );
}

#[test]
fn a_wrong_audience() {
    let gateway = gateway("doctor-audience", &[]);
    let zeebe = Zeebe::oauth(&gateway).with("CAMUNDA_TOKEN_AUDIENCE", "other");
    let audience = Broken {
        step: "topology",
        exit: 5,
        cause: "audience",
        variable: "CAMUNDA_TOKEN_AUDIENCE",
        advice: "change CAMUNDA_TOKEN_AUDIENCE",
    };
    audience.holds(&zeebe);
    audience.holds(&zeebe.with("CAMUNDA_TOKEN_SCOPE", "any"));
    // The authorization server may be the one that minds.
    let refusal = json!({ "error": "access_denied", "error_description": "the client may not access the audience other" });
    gateway.ask(
        "POST /token-answer?status=403&count=9",
        &refusal.to_string(),
    );
    let zeebe = Zeebe::oauth(&gateway)
        .with("CAMUNDA_TOKEN_AUDIENCE", "")
        .with("ZEEBE_TOKEN_AUDIENCE", "other");
    Broken {
        step: "token",
        variable: "ZEEBE_TOKEN_AUDIENCE",
        advice: "change ZEEBE_TOKEN_AUDIENCE",
        ..audience
    }
    .holds(&zeebe);
}

#[test]
fn an_expired_certificate() {
    let gateway = gateway("doctor-expired", &["--certificate-lifetime", "0"]);
    let expired = Broken {
        step: "tls",
        exit: 4,
        cause: "expired",
        variable: "ZEEBE_ADDRESS",
        advice: "the certificate has expired",
    };
    let step = expired.holds(&Zeebe::tls(&gateway, "tls"));
    assert_eq!(step["certificates"][0]["good_now"], false);
    assert_eq!(step["certificates"][0]["subject"], "CN=localhost");
    let own = gateway.get("self_signed_expired_certificate");
    expired.holds(
        &Zeebe::tls(&gateway, "self_signed_expired").with("CAMUNDA_CA_CERTIFICATE_PATH", &own),
    );
}

#[test]
fn a_certificate_that_nobody_trusts_or_that_is_for_another_name() {
    let gateway = gateway("doctor-untrusted", &[]);
    let untrusted = Broken {
        step: "tls",
        exit: 4,
        cause: "UnknownIssuer",
        variable: "CAMUNDA_CA_CERTIFICATE_PATH",
        advice: "CAMUNDA_CA_CERTIFICATE_PATH",
    };
    untrusted.holds(
        &Zeebe::tls(&gateway, "tls").with("CAMUNDA_CA_CERTIFICATE_PATH", &gateway.get("other_ca")),
    );
    let none = Zeebe::tls(&gateway, "tls").with("CAMUNDA_CA_CERTIFICATE_PATH", "/nowhere.pem");
    Broken {
        cause: "/nowhere.pem",
        ..untrusted
    }
    .holds(&none);
    let other = Zeebe::tls(&gateway, "cloud");
    let step = Broken {
        cause: "not valid for name",
        variable: "ZEEBE_ADDRESS",
        advice: "ZEEBE_ADDRESS",
        ..untrusted
    }
    .holds(&other);
    assert!(
        step["certificates"][0]["subject"]
            .as_str()
            .unwrap()
            .contains("zeebe.camunda.io"),
        "{step:#}"
    );
}

#[test]
fn a_clock_that_is_off() {
    let gateway = gateway("doctor-clock", &["--clock-ahead", "3600"]);
    let early = Broken {
        step: "tls",
        exit: 4,
        cause: "not valid yet",
        variable: "ZEEBE_ADDRESS",
        advice: "clock",
    };
    early.holds(&Zeebe::tls(&gateway, "tls"));
    let url = format!("http://localhost:{}/oauth/token", gateway.get("token_http"));
    let token = Zeebe::oauth(&gateway)
        .with(
            "ZEEBE_ADDRESS",
            &format!("localhost:{}", gateway.get("plaintext_oauth")),
        )
        .with("ZEEBE_INSECURE_CONNECTION", "true")
        .with("CAMUNDA_OAUTH_URL", &url);
    Broken {
        step: "topology",
        exit: 5,
        cause: "not good yet",
        variable: "CAMUNDA_OAUTH_URL",
        ..early
    }
    .holds(&token);
    // The certificate of the token endpoint, then.
    let url = format!(
        "https://localhost:{}/oauth/token",
        gateway.get("token_https")
    );
    Broken {
        step: "token",
        cause: "certificate",
        variable: "CAMUNDA_OAUTH_URL",
        ..early
    }
    .holds(&token.with("CAMUNDA_OAUTH_URL", &url));
}

#[test]
fn plaintext_to_tls_and_the_other_way_round() {
    let gateway = gateway("doctor-plaintext", &[]);
    let mixed = Broken {
        step: "http2",
        exit: 4,
        cause: "TLS",
        variable: "ZEEBE_INSECURE_CONNECTION",
        advice: "ZEEBE_INSECURE_CONNECTION",
    };
    mixed.holds(&Zeebe::tls(&gateway, "tls").with("ZEEBE_INSECURE_CONNECTION", "true"));
    Broken {
        step: "tls",
        ..mixed
    }
    .holds(&Zeebe::tls(&gateway, "plaintext"));
}

#[test]
fn a_proxy_of_http_1() {
    let gateway = gateway("doctor-http1", &[]);
    let http1 = Broken {
        step: "http2",
        exit: 4,
        cause: "HTTP/1.1",
        variable: "ZEEBE_ADDRESS",
        advice: "gRPC needs HTTP/2",
    };
    http1.holds(
        &Zeebe::at(&format!("localhost:{}", gateway.get("http1")))
            .with("ZEEBE_INSECURE_CONNECTION", "true"),
    );
    Broken {
        step: "tls",
        cause: "HTTP/2",
        ..http1
    }
    .holds(&Zeebe::tls(&gateway, "no_alpn"));
}

#[test]
fn a_proxy_that_refuses_or_is_not_there() {
    let gateway = gateway("doctor-proxy", &[]);
    let through = |proxy: &str| Zeebe::at("gateway.invalid:26500").with("https_proxy", proxy);
    let refusing = Broken {
        step: "proxy",
        exit: 4,
        cause: "407",
        variable: "https_proxy",
        advice: "https_proxy",
    };
    let url =
        |user: &str, listener: &str| format!("http://{user}localhost:{}", gateway.get(listener));
    refusing.holds(&through(&url("", "proxy_407")));
    refusing.holds(&through(&url("user:s3cret@", "proxy_407")));
    Broken {
        cause: "502",
        ..refusing
    }
    .holds(&through(&url("", "proxy_502")));
    Broken {
        step: "connect",
        cause: "refused",
        ..refusing
    }
    .holds(&through(&url("", "refused")));
    Broken {
        step: "lookup",
        cause: "proxy.invalid",
        ..refusing
    }
    .holds(&through("http://proxy.invalid:3128"));
}

#[test]
fn a_name_that_is_not_known() {
    Broken {
        step: "lookup",
        exit: 4,
        cause: "cannot resolve gateway.invalid",
        variable: "ZEEBE_ADDRESS",
        advice: "host in ZEEBE_ADDRESS",
    }
    .holds(&Zeebe::at("gateway.invalid:26500"));
    Broken {
        step: "lookup",
        exit: 4,
        cause: "cannot resolve gateway.invalid",
        variable: "ZEEBE_HOST",
        advice: "ZEEBE_HOST",
    }
    .holds(&Zeebe::at("").with("ZEEBE_HOST", "gateway.invalid"));
}

#[test]
fn a_port_that_is_closed() {
    let gateway = gateway("doctor-closed", &[]);
    Broken {
        step: "connect",
        exit: 4,
        cause: "Connection refused",
        variable: "ZEEBE_ADDRESS",
        advice: "nothing listens there",
    }
    .holds(&Zeebe::at(&format!("localhost:{}", gateway.get("refused"))));
}

#[test]
fn a_firewall_that_drops_everything_or_all_but_the_first() {
    let gateway = gateway("doctor-firewall", &[]);
    let firewall = Broken {
        step: "connect",
        exit: 4,
        cause: "no answer within 1000 ms",
        variable: "ZEEBE_ADDRESS",
        advice: "firewall",
    };
    let at = |listener: &str| Zeebe::at(&format!("localhost:{}", gateway.get(listener)));
    if gateway.ports.get("blackhole").is_some() {
        firewall.holds_within("1", &at("blackhole"));
    }
    Broken {
        step: "tls",
        ..firewall
    }
    .holds_within("1", &at("silent"));
    let plaintext = at("silent").with("ZEEBE_INSECURE_CONNECTION", "true");
    Broken {
        step: "http2",
        advice: "nothing came",
        ..firewall
    }
    .holds_within("1", &plaintext);
}

#[test]
fn a_token_without_a_scope() {
    let gateway = gateway("doctor-scope", &["--scope", "zeebe"]);
    let scope = Broken {
        step: "topology",
        exit: 5,
        cause: "lacks the scope zeebe",
        variable: "CAMUNDA_TOKEN_SCOPE",
        advice: "change CAMUNDA_TOKEN_SCOPE",
    };
    scope.holds(&Zeebe::oauth(&gateway));
    scope.holds(&Zeebe::oauth(&gateway).with("CAMUNDA_TOKEN_SCOPE", "other"));
    let refusal = json!({ "error": "invalid_scope", "error_description": "no" });
    gateway.ask(
        "POST /token-answer?status=400&count=9",
        &refusal.to_string(),
    );
    Broken {
        step: "token",
        cause: "invalid_scope",
        ..scope
    }
    .holds(&Zeebe::oauth(&gateway));
}

#[test]
fn a_job_stream_that_is_refused() {
    let gateway = gateway("doctor-stream", &[]);
    gateway.ask(
        "POST /fail?status=7&count=99&rpc=StreamActivatedJobs&message=no",
        "",
    );
    Broken {
        step: "job_stream",
        exit: 5,
        cause: "no",
        variable: "CAMUNDA_CLIENT_ID",
        advice: "may not do this",
    }
    .holds(&Zeebe::oauth(&gateway));
}

/// No token at all, where one is needed.
#[test]
fn no_credentials() {
    let gateway: Gateway = gateway("doctor-none", &[]);
    Broken {
        step: "topology",
        exit: 5,
        cause: "missing",
        variable: "CAMUNDA_CLIENT_ID",
        advice: "set CAMUNDA_CLIENT_ID",
    }
    .holds(&Zeebe::tls(&gateway, "tls_oauth"));
}
