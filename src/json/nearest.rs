//! What was meant by a name that is none.

/// The known name that is nearest, if one is near: a few letters differ, case aside, or one is a part of the other.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SHORT: usize = 4; // a part of too many
    const LONG: usize = 64;
    if name.len() > LONG {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let distances = known.map(|known| {
        let other = known.to_ascii_lowercase();
        let is_part = name.len() >= SHORT && (other.contains(&name) || name.contains(&other));
        let edits = edits(name.as_bytes(), other.as_bytes());
        let is_near = is_part || edits <= name.len().max(other.len()) / 3;
        (known, edits, is_near)
    });
    let near = distances.filter(|(_, _, is_near)| *is_near);
    near.min_by_key(|(_, edits, _)| *edits)
        .map(|(known, _, _)| known)
}

/// How many bytes must be put in, taken out or changed (Levenshtein's distance).
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, byte) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_is_understood() {
        let known = [
            "Topology",
            "CompleteJob",
            "FailJob",
            "DeployResource",
            "PublishMessage",
            "CreateProcessInstance",
        ];
        for (name, meant) in [
            ("Topolgy", Some("Topology")),
            ("topology", Some("Topology")),
            ("TOPOLOGY", Some("Topology")),
            ("Toplogoy", Some("Topology")),
            ("Deploy", Some("DeployResource")),
            ("DeployResources", Some("DeployResource")),
            ("Publish", Some("PublishMessage")),
            ("CompletJob", Some("CompleteJob")),
            ("CreateInstance", Some("CreateProcessInstance")),
            ("GatewayTopology", Some("Topology")),
            ("Nonsense", None),
            ("Job", None),
            ("", None),
            ("ö", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), meant, "{name}");
        }
        assert_eq!(nearest(&"Topology".repeat(1000), known.into_iter()), None);
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(edits(from.as_bytes(), to.as_bytes()), count, "{from} {to}");
            assert_eq!(edits(to.as_bytes(), from.as_bytes()), count, "{to} {from}");
        }
    }
}
