//! The clauses of an update expression: `SET`, `REMOVE`, `ADD` and `DELETE`.

/// The parts of each clause of an update expression. DynamoDB accepts each clause once.
#[derive(Default)]
pub(crate) struct Clauses {
    pub(crate) set: Vec<String>,
    pub(crate) remove: Vec<String>,
    pub(crate) add: Vec<String>,
    pub(crate) delete: Vec<String>,
}

impl Clauses {
    /// The expression; `None` if there are no changes.
    pub(crate) fn expression(self) -> Option<String> {
        let clauses = [
            ("SET", self.set),
            ("REMOVE", self.remove),
            ("ADD", self.add),
            ("DELETE", self.delete),
        ]
        .into_iter();
        let clauses = clauses.filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(keyword, parts)| format!("{keyword} {}", parts.join(", ")));
        let text = clauses.collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }
}
