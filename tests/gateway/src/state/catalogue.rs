//! What is deployed, by key, and by id in all its versions.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of a process, a decision, a requirements graph or a form.
#[derive(Debug)]
pub(super) struct Version<T> {
    pub(super) key: i64,
    pub(super) id: TenantId,
    /// The first is 1.
    pub(super) number: i32,
    content: Arc<[u8]>,
    pub(super) what: T,
}

/// An id and the tenant within which it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TenantId {
    pub(super) tenant_id: String,
    pub(super) id: String,
}

#[derive(Debug)]
pub(super) struct Catalogue<T> {
    by_key: BTreeMap<i64, Arc<Version<T>>>,
    by_id: BTreeMap<TenantId, Versions<T>>,
}

#[derive(Debug)]
struct Versions<T> {
    /// Numbers are not used again, even if what had them is deleted.
    last_number: i32,
    kept: BTreeMap<i32, Arc<Version<T>>>,
}

impl<T> Default for Catalogue<T> {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            by_id: BTreeMap::new(),
        }
    }
}

impl<T> Catalogue<T> {
    pub(super) fn all(&self) -> impl Iterator<Item = &Version<T>> {
        self.by_key.values().map(Arc::as_ref)
    }

    pub(super) fn by_key(&self, key: i64) -> Option<&Arc<Version<T>>> {
        self.by_key.get(&key)
    }

    pub(super) fn by_number(&self, id: &TenantId, number: i32) -> Option<&Arc<Version<T>>> {
        self.by_id.get(id)?.kept.get(&number)
    }

    pub(super) fn latest(&self, id: &TenantId) -> Option<&Arc<Version<T>>> {
        self.by_id.get(id)?.kept.values().next_back()
    }

    pub(super) fn all_latest(&self) -> impl Iterator<Item = &Arc<Version<T>>> {
        let versions = self.by_id.values();
        versions.filter_map(|versions| versions.kept.values().next_back())
    }

    /// The latest version if it has this content.
    pub(super) fn unchanged(&self, id: &TenantId, content: &[u8]) -> Option<&Arc<Version<T>>> {
        self.latest(id).filter(|latest| *latest.content == *content)
    }

    pub(super) fn add(
        &mut self,
        key: i64,
        id: TenantId,
        content: Arc<[u8]>,
        what: T,
    ) -> Arc<Version<T>> {
        let versions = self.by_id.entry(id.clone()).or_insert(Versions {
            last_number: 0,
            kept: BTreeMap::new(),
        });
        versions.last_number += 1;
        let number = versions.last_number;
        let version = Arc::new(Version {
            key,
            id,
            number,
            content,
            what,
        });
        versions.kept.insert(number, Arc::clone(&version));
        self.by_key.insert(key, Arc::clone(&version));
        version
    }

    /// Whether there was something with this key.
    pub(super) fn remove(&mut self, key: i64) -> bool {
        let Some(version) = self.by_key.remove(&key) else {
            return false;
        };
        if let Some(versions) = self.by_id.get_mut(&version.id) {
            versions.kept.remove(&version.number);
        }
        true
    }

    pub(super) fn remove_if(&mut self, condition: impl Fn(&T) -> bool) {
        let meant = self.all().filter(|version| condition(&version.what));
        for key in meant.map(|version| version.key).collect::<Vec<_>>() {
            self.remove(key);
        }
    }
}
