/// How a record's key stands in the KMS encryption context, which CloudTrail shows in clear.
///
/// The associated data of the payload always carries the full key, whichever form is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextForm {
    /// `table`, `partition_key` and `sort_key` as they are: auditable, the default.
    #[default]
    Raw,
    /// `table` as it is, `partition_key` and `sort_key` as SHA-256 digests: for keys such as an e-mail address.
    Hashed,
    /// `table` alone: the data key may serve every record of the table.
    Table,
}
