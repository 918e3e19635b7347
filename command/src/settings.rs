//! What a channel's description says: settings with their values, secrets redacted, and where each came from.

use serde_json::Value;
use zeebe::channel::Channel;

/// As `Channel::describe` has it.
#[derive(Clone, Debug)]
pub(crate) struct Settings(Value);

/// The variable to set, of each setting that may need it.
const VARIABLES: [(&str, &str); 13] = [
    ("insecure", "ZEEBE_INSECURE_CONNECTION"),
    ("grpc_address", "ZEEBE_ADDRESS"),
    ("cluster_id", "CAMUNDA_CLUSTER_ID"),
    ("region", "CAMUNDA_CLUSTER_REGION"),
    ("client_id", "CAMUNDA_CLIENT_ID"),
    ("client_secret", "CAMUNDA_CLIENT_SECRET"),
    ("authorization_server", "CAMUNDA_OAUTH_URL"),
    ("audience", "CAMUNDA_TOKEN_AUDIENCE"),
    ("scope", "CAMUNDA_TOKEN_SCOPE"),
    ("ca_certificate", "CAMUNDA_CA_CERTIFICATE_PATH"),
    ("certificate_chain", "CAMUNDA_CUSTOM_CERT_CHAIN_PATH"),
    ("password", "CAMUNDA_BASIC_AUTH_PASSWORD"),
    ("token", "CAMUNDA_OAUTH_TOKEN"),
];

impl Settings {
    pub(crate) fn of(channel: &Channel) -> Self {
        // It is JSON by contract.
        Self(serde_json::from_str(&channel.describe()).unwrap_or_default())
    }

    pub(crate) fn json(&self) -> &Value {
        &self.0
    }

    /// Which constructor made the channel.
    pub(crate) fn kind(&self) -> String {
        self.0["kind"]
            .as_str()
            .unwrap_or_default()
            .replace('_', " ")
    }

    /// `tls`, `plaintext` or `local`.
    pub(crate) fn security(&self) -> &str {
        self.0["security"].as_str().unwrap_or_default()
    }

    /// Why the channel is of no use, if it is not.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.0["problem"].as_str()
    }

    /// Whether tokens are asked for.
    pub(crate) fn has_oauth(&self) -> bool {
        self.0["oauth2"].is_object()
    }

    /// Of all settings.
    pub(crate) fn names(&self) -> Vec<String> {
        let settings = self.0["settings"].as_object();
        settings
            .into_iter()
            .flat_map(|settings| settings.keys().cloned())
            .collect()
    }

    /// Variables that are set in vain, each with the reason and what to do.
    pub(crate) fn unused(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let unused = self.0["unused_variables"].as_array();
        unused.into_iter().flatten().map(|unused| {
            let [name, why, hint] =
                ["name", "why", "hint"].map(|part| unused[part].as_str().unwrap_or_default());
            (name, why, hint)
        })
    }

    pub(crate) fn target(&self) -> &str {
        self.0["target"].as_str().unwrap_or_default()
    }

    /// A setting's value as text; `None`: there is none.
    pub(crate) fn value(&self, setting: &str) -> Option<String> {
        match &self.0["settings"][setting]["value"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }

    /// The variable that gave it.
    fn given_by(&self, setting: &str) -> Option<&str> {
        let origin = self.0["settings"][setting]["origin"].as_str()?;
        origin.strip_prefix("environment:")
    }

    /// What gave it, for people.
    pub(crate) fn origin(&self, setting: &str) -> String {
        match self.given_by(setting) {
            Some(variable) => format!("from {variable}"),
            None => "the default".to_owned(),
        }
    }

    /// The variable to change: that which gave it, else that which would.
    pub(crate) fn variable(&self, setting: &str) -> String {
        let table = || VARIABLES.iter().find(|(name, _)| *name == setting);
        let given = self.given_by(setting);
        let variable = given.or_else(|| table().map(|(_, variable)| *variable));
        variable.unwrap_or(setting).to_owned()
    }

    /// Where the address comes from: that of a cluster has no variable of its own.
    pub(crate) fn address_setting(&self) -> &'static str {
        match self.value("grpc_address") {
            None if self.value("cluster_id").is_some() => "cluster_id",
            _ => "grpc_address",
        }
    }

    /// The address and what gave it.
    pub(crate) fn address(&self) -> String {
        let origin = self.origin(self.address_setting());
        format!("{} ({origin})", self.target())
    }
}

#[cfg(test)]
impl Settings {
    pub(crate) fn of_json(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap())
    }
}
