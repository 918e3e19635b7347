//! The server's process, as the comparison sees it: where it listens, and how busy it is.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use zeebe_benches::Outcome;

use crate::clients::sibling;
use crate::rows::{Row, Security};

#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    /// It ends when this is closed.
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    ports: serde_json::Value,
    ca: PathBuf,
}

impl Server {
    pub(crate) fn start() -> Outcome<Self> {
        let ca = sibling("bench-ca.pem")?;
        let mut process = Command::new("taskset")
            .args(["--cpu-list", "0"])
            .arg(sibling("server")?)
            .arg(&ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = process.stdin.take().ok_or("the server has no input")?;
        let answers = process.stdout.take().ok_or("the server has no output")?;
        let mut server = Self {
            process,
            asks,
            answers: BufReader::new(answers),
            ports: serde_json::Value::Null,
            ca,
        };
        server.ports = serde_json::from_str(&server.read_line()?)?;
        Ok(server)
    }

    pub(crate) fn address(&self, row: &Row) -> Outcome<String> {
        let port = &self.ports[row.security.name()][row.answer];
        let port = port
            .as_u64()
            .ok_or_else(|| format!("the server does not answer {:?}", row.answer))?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// As clients take it: `-` for plaintext.
    pub(crate) fn ca(&self, row: &Row) -> &Path {
        match row.security {
            Security::Plaintext => Path::new("-"),
            Security::Tls => &self.ca,
        }
    }

    /// Its processor time so far.
    pub(crate) fn cpu_us(&mut self) -> Outcome<f64> {
        writeln!(self.asks)?;
        Ok(self.read_line()?.trim().parse()?)
    }

    fn read_line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("the server has ended: {}", self.process.wait()?).into());
        }
        Ok(line)
    }

    /// Does `work`, and says what share of its core the server took meanwhile.
    pub(crate) fn cpu_while<T>(&mut self, work: impl FnOnce(&Self) -> T) -> Outcome<(f64, T)> {
        let (from, cpu_from) = (Instant::now(), self.cpu_us()?);
        let result = work(self);
        let cpu = self.cpu_us()? - cpu_from;
        Ok((cpu / from.elapsed().as_micros() as f64, result))
    }
}
