//! The methods that set options on a query or a scan: written once, for both builders.

/// The methods that [`Query`](crate::read::Query) and [`Scan`](crate::read::Scan) share.
macro_rules! settings {
    () => {
        /// Views of the records instead of the records: some of their readable attributes, without
        /// opening any.
        ///
        /// DynamoDB is asked for the attributes of the view alone; it reads, and bills, whole items
        /// all the same.
        ///
        /// ```no_run
        /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
        /// # use envelope_dynamo::{Envelope, Table, View};
        /// # #[derive(Envelope)]
        /// # #[envelope(table = "users")]
        /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
        /// #[derive(View)]
        /// #[view(of = User)]
        /// struct Usage {
        ///     user_id: String,
        ///     logins: u64,
        /// }
        ///
        /// let users = Table::<User>::new(dynamodb, provider);
        /// let usage: Vec<Usage> = users.scan().views::<Usage>()?.try_collect().await?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        ///
        /// As [`stream`](Self::stream).
        ///
        /// # Security
        ///
        /// Nothing is verified; see [`View`](crate::View).
        pub fn views<V>(mut self) -> Result<Records<V>, $crate::Error>
        where
            V: $crate::View<Record = T::First> + Send + 'static,
        {
            let prepared = self.prepare()?;
            self.options.views(self.table, &self.index, prepared)
        }

        /// Gives, or counts, at most this number of records; a bad one counts, one that a filter
        /// leaves out does not.
        pub const fn limit(mut self, records: usize) -> Self {
            self.options.limit = Some(records);
            self
        }

        /// Lets DynamoDB look at so many items for a page, instead of 1 MB of them; at least one.
        ///
        /// It counts before filters, so that a page may hold fewer records, or none.
        pub fn page_size(mut self, items: usize) -> Self {
            self.options.page_size = Some(i32::try_from(items.max(1)).unwrap_or(i32::MAX));
            self
        }

        /// How many records are opened together: 16 unless stated, at least one.
        ///
        /// With a key provider that asks KMS for each record, at most as many calls are under way
        /// at a time, and none while the caller works on a record.
        pub const fn concurrency(mut self, records: usize) -> Self {
            self.options.concurrency = records;
            self
        }

        /// Goes on where another reading stopped: behind the last record that was taken from it.
        ///
        /// With `None` it begins at the beginning, so that what a client sent, or not, can be
        /// passed on. A token of another query or scan, or of one with another filter, is refused:
        /// [`UsageError::ForeignResumeToken`](crate::error::UsageError::ForeignResumeToken). See
        /// [`ResumeToken`](crate::ResumeToken).
        pub fn resume(mut self, from: impl Into<Option<$crate::ResumeToken>>) -> Self {
            self.options.resume_from = from.into();
            self
        }

        /// Leaves out records whose readable attributes do not fulfil a condition. Several must all
        /// hold.
        ///
        /// DynamoDB leaves them out after it has read them: they cost as much, and pages may be
        /// empty.
        pub fn filter(
            mut self,
            condition: impl FnOnce(
                &<T::First as $crate::Envelope>::Attributes,
            ) -> $crate::expression::Condition<T::First>,
        ) -> Self {
            let condition = condition(&<T::First as $crate::Envelope>::attributes());
            self.options.filter =
                $crate::expression::Condition::joined(self.options.filter.take(), Some(condition));
            self
        }

        /// Reads each record that the index names from the table, whatever the index projects.
        ///
        /// In calls of up to 100, by the primary key, as of now: a record that is not there any
        /// more is left out, and one that was changed since is given as it is. Each record costs
        /// another read.
        pub const fn fetch_base_table(mut self) -> Self
        where
            I: $crate::record::index::Secondary,
        {
            self.options.fetch_base_table = true;
            self
        }

        /// All records.
        ///
        /// # Errors
        ///
        /// The first that [`stream`](Self::stream) gives, and then nothing else: to have the
        /// records that open, and an error for each that does not, take the stream.
        pub async fn send(self) -> Result<Vec<T>, $crate::Error> {
            self.stream()?.try_collect().await
        }
    };
}
pub(crate) use settings;
