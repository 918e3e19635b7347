//! A value of the JSON and where it stands, so that an error names the place.

use std::time::Duration;

use serde_json::Value;

/// Of the protobuf type Duration.
pub(super) const MOST_SECONDS: u64 = 315_576_000_000;

pub(super) struct Place<'a> {
    path: String,
    pub(super) value: &'a Value,
}

impl<'a> Place<'a> {
    /// The whole text.
    pub(super) fn of(value: &'a Value) -> Result<Self, String> {
        let root = Self {
            path: String::new(),
            value,
        };
        match value {
            Value::Object(_) => Ok(root),
            _ => Err("it is no JSON object".to_owned()),
        }
    }

    pub(super) fn wrong(&self, why: &str) -> String {
        let Self { path, value } = self;
        match value {
            Value::Object(_) | Value::Array(_) => format!("{path}: {why}"),
            _ => format!("{path} is {value}: {why}"),
        }
    }

    /// A field; null is as good as none.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self {
            path: self.field(key),
            value,
        })
    }

    pub(super) fn optional<T>(
        &self,
        key: &str,
        parse: impl Fn(&Self) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.get(key).as_ref().map(parse).transpose()
    }

    fn field(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<Self, String> {
        self.object()?;
        self.get(key)
            .ok_or_else(|| format!("{} is missing", self.field(key)))
    }

    /// A field's items; none if it is missing.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Self>, String> {
        self.object()?;
        self.get(key).map_or(Ok(Vec::new()), |place| place.items())
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, String> {
        let items = self.value.as_array();
        let items = items.ok_or_else(|| self.wrong("it must be an array"))?;
        let place = |(index, value)| Self {
            path: format!("{}[{index}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(place).collect())
    }

    pub(super) fn object(&self) -> Result<&'a serde_json::Map<String, Value>, String> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong("it must be an object"))
    }

    pub(super) fn text(&self) -> Result<&'a str, String> {
        self.value
            .as_str()
            .ok_or_else(|| self.wrong("it must be a string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, String> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("it must be true or false"))
    }

    /// Also as text, which proto3 JSON allows.
    pub(super) fn number(&self) -> Result<f64, String> {
        let number = match self.value {
            Value::String(text) => serde_json::from_str::<f64>(text).ok(),
            value => value.as_f64(),
        };
        number.ok_or_else(|| self.wrong("it must be a number"))
    }

    /// Of the fields of this object, those that are not in `honoured`, by their place.
    pub(super) fn others(&self, honoured: &[&str]) -> Vec<String> {
        let fields = self.value.as_object().into_iter().flatten();
        fields
            .filter(|(key, value)| !value.is_null() && !honoured.contains(&key.as_str()))
            .map(|(key, _)| self.field(key))
            .collect()
    }

    /// A whole number as proto3 JSON has it: `4`, `4.0`, `4e0`, `"4"`.
    pub(super) fn whole(&self, why: &str) -> Result<u32, String> {
        let number = self.number().ok();
        let number = number
            .filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number));
        number
            .map(|number| number as u32)
            .ok_or_else(|| self.wrong(why))
    }

    /// Zero for what is negative, as too little as zero is.
    pub(super) fn thousandths(&self) -> Result<u32, String> {
        Ok((self.number()? * 1000.0).round() as u32)
    }

    /// A protobuf Duration: `1.5s`, nine decimals at most; and `.1s`, which gRFC A6 has.
    pub(super) fn duration(&self) -> Result<Duration, String> {
        seconds(self.text()?)
            .ok_or_else(|| self.wrong("it must be a time such as \"1.5s\", not negative"))
    }
}

pub(super) fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds = if whole.is_empty() { "0" } else { whole }.parse().ok()?;
    let nanos = match fraction.len() {
        0..=9 => format!("{fraction:0<9}").parse().ok()?,
        _ => return None,
    };
    (seconds <= MOST_SECONDS).then(|| Duration::new(seconds, nanos))
}
