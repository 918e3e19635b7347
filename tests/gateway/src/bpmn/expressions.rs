//! The FEEL that runs here: literals, variables, and one comparison of two of them.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// A value that is written down, or the path to a variable and the members within it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Literal(Value),
    Variable(Vec<String>),
}

/// What a flow of an exclusive gateway needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// Is true itself.
    Holds(Expression),
    Compares(Expression, Operator, Expression),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The longer ones come first.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Expression {
    /// `= variable`, `= variable.member`, `= "text"`, `= 5`; without the `=` it is the text itself.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some(expression) = text.strip_prefix('=') else {
            return Some(Self::Literal(text.into()));
        };
        let (parsed, rest) = Self::first(expression)?;
        rest.is_empty().then_some(parsed)
    }

    /// The expression that the text begins with, and what follows.
    fn first(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        if let Some(quoted) = text.strip_prefix('"') {
            let (literal, rest) = quoted.split_once('"')?;
            let literal = (!literal.contains('\\')).then(|| Self::Literal(literal.into()))?;
            return Some((literal, rest.trim_start()));
        }
        let end = text.find(|c: char| c.is_whitespace() || "=!<>".contains(c));
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        Some((Self::word(word)?, rest.trim_start()))
    }

    fn word(word: &str) -> Option<Self> {
        match word {
            "true" | "false" => return Some(Self::Literal((word == "true").into())),
            "null" => return Some(Self::Literal(Value::Null)),
            _ => {}
        }
        if let Ok(number) = word.parse::<Number>() {
            return Some(Self::Literal(Value::Number(number)));
        }
        let is_name = |name: &&str| {
            !name.is_empty()
                && !name.starts_with(|first: char| first.is_ascii_digit())
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        let path: Vec<_> = word.split('.').collect();
        path.iter()
            .all(is_name)
            .then(|| Self::Variable(path.into_iter().map(str::to_owned).collect()))
    }

    /// A variable that is not there is null.
    pub(crate) fn evaluate<'a>(
        &'a self,
        variable: impl Fn(&str) -> Option<&'a Value>,
    ) -> &'a Value {
        match self {
            Self::Literal(value) => value,
            Self::Variable(path) => path
                .split_first()
                .and_then(|(first, members)| {
                    let member = |value: &'a Value, name: &String| value.get(name);
                    members.iter().try_fold(variable(first)?, member)
                })
                .unwrap_or(&Value::Null),
        }
    }
}

impl Condition {
    /// `= amount > 100`, `= status = "ok"`, `= paid`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (left, rest) = Expression::first(text.trim().strip_prefix('=')?)?;
        if rest.is_empty() {
            return Some(Self::Holds(left));
        }
        let (operator, rest) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)))?;
        let (right, rest) = Expression::first(rest)?;
        rest.is_empty()
            .then_some(Self::Compares(left, operator, right))
    }

    /// None if the values cannot be compared, or are no truth values.
    pub(crate) fn evaluate<'a>(
        &'a self,
        variable: impl Fn(&str) -> Option<&'a Value>,
    ) -> Option<bool> {
        match self {
            Self::Holds(expression) => expression.evaluate(variable).as_bool(),
            Self::Compares(left, operator, right) => {
                operator.compare(left.evaluate(&variable), right.evaluate(&variable))
            }
        }
    }
}

impl Operator {
    fn compare(self, left: &Value, right: &Value) -> Option<bool> {
        match self {
            Self::Equal => equal(left, right),
            Self::NotEqual => equal(left, right).map(|equal| !equal),
            Self::Less => order(left, right).map(Ordering::is_lt),
            Self::AtMost => order(left, right).map(Ordering::is_le),
            Self::Greater => order(left, right).map(Ordering::is_gt),
            Self::AtLeast => order(left, right).map(Ordering::is_ge),
        }
    }
}

fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Some(left == right),
        (Value::Bool(_), Value::Bool(_)) => Some(left == right),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(condition: &str) -> Option<bool> {
        let variables =
            json!({ "amount": 101, "status": "ok", "order": { "paid": true }, "half": 0.5 });
        let condition = Condition::parse(condition).expect("a condition");
        condition.evaluate(|name| variables.get(name))
    }

    #[test]
    fn values_of_one_kind_are_compared() {
        for (condition, outcome) in [
            ("=amount > 100", true),
            ("= amount>101", false),
            ("= amount >= 101", true),
            ("= amount <= half", false),
            ("= half < 1", true),
            ("= amount = 101.0", true),
            ("= status = \"ok\"", true),
            ("= \"a = b\" != status", true),
            ("= order.paid", true),
            ("= order.paid = false", false),
            ("= missing = null", true),
            ("= missing.member != null", false),
        ] {
            assert_eq!(evaluate(condition), Some(outcome), "{condition}");
        }
    }

    #[test]
    fn values_of_different_kinds_have_no_order() {
        for condition in [
            "= status > 1",
            "= missing > 1",
            "= amount",
            "= order.paid = 1",
        ] {
            assert_eq!(evaluate(condition), None, "{condition}");
        }
    }

    #[test]
    fn anything_else_is_no_condition() {
        for text in [
            "amount > 1",
            "=",
            "= a > ",
            "= a > 1 and b > 1",
            "= a + 1 > 2",
            "= f(a)",
            "= a == 1",
            "= not(a)",
            "= a in [1]",
            "= \"a\\\"\" = b",
        ] {
            assert_eq!(Condition::parse(text), None, "{text}");
        }
    }
}
