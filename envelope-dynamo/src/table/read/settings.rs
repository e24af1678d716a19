//! The methods that set options on a query or a scan, written once for both builders.

/// The methods that [`Query`](crate::read::Query) and [`Scan`](crate::read::Scan) share.
macro_rules! settings {
    () => {
        /// Streams views of the records: some of their readable attributes. Opens no record.
        ///
        /// DynamoDB returns the attributes of the view alone. It still reads, and bills, whole
        /// items.
        ///
        /// ```no_run
        /// # use envelope_dynamo::{Envelope, Error, Table, View};
        /// # #[derive(Envelope)]
        /// # #[envelope(table = "users")]
        /// # struct User {
        /// #     #[partition_key] user_id: String,
        /// #     #[encrypted] email: String,
        /// #     #[plaintext] logins: u64,
        /// # }
        /// #[derive(View)]
        /// #[view(of = User)]
        /// struct Usage {
        ///     user_id: String,
        ///     logins: u64,
        /// }
        ///
        /// # async fn example(users: Table<User>) -> Result<(), Error> {
        /// let usage: Vec<Usage> = users.scan().views::<Usage>()?.try_collect().await?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        ///
        /// The errors of [`stream`](Self::stream).
        ///
        /// # Security
        ///
        /// Nothing is verified; see [`View`](crate::View). So a search by an encrypted field gives
        /// a view of everything under the tag, also of a record that does not have the value
        /// itself.
        pub fn views<V>(mut self) -> Result<Records<V>, $crate::Error>
        where
            V: $crate::View<Record = T::First> + Send + 'static,
        {
            let prepared = self.prepare()?;
            self.options.views(self.table, &self.index, prepared)
        }

        /// Returns, or counts, at most `n` records. A record that does not open counts. A record
        /// that the filter leaves out does not, and neither does one that a search passes over.
        pub const fn limit(mut self, n: usize) -> Self {
            self.options.limit = Some(n);
            self
        }

        /// Lets DynamoDB read at most this many items for a page, instead of 1 MB. At least one.
        ///
        /// DynamoDB counts before it filters. So a page may have fewer records, or none.
        pub fn page_size(mut self, items: usize) -> Self {
            self.options.page_size = Some(i32::try_from(items.max(1)).unwrap_or(i32::MAX));
            self
        }

        /// Opens at most this many records at a time: 16 by default, at least one.
        ///
        /// With a key provider that calls KMS for each record, this limits the concurrent calls. No
        /// call is in progress while the caller works on a record.
        pub const fn concurrency(mut self, records: usize) -> Self {
            self.options.concurrency = records;
            self
        }

        /// Opens records on all threads of the runtime, for large reads.
        ///
        /// The records of a window are opened in tasks of the runtime: up to 256 records, in as
        /// many tasks as [`concurrency`](Self::concurrency) says. Meanwhile the calling task
        /// requests the next page. Records come in the same order. The tasks go on if a call of
        /// [`Records::next`] is dropped, and they end when the stream is dropped.
        ///
        /// On a runtime with one thread, and outside of a runtime, this changes nothing.
        ///
        /// ```no_run
        /// # use envelope_dynamo::{Envelope, Error, Table};
        /// # #[derive(Envelope)]
        /// # #[envelope(table = "users")]
        /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
        /// # async fn example(users: Table<User>) -> Result<(), Error> {
        /// let everyone = users.scan().on_all_threads().send().await?;
        /// # Ok(())
        /// # }
        /// ```
        pub fn on_all_threads(mut self) -> Self
        where
            T: Send + 'static,
        {
            self.options.in_task = Some($crate::table::read::in_tasks::open_in_task);
            self
        }

        /// Continues where another query or scan stopped: after the last record that was taken.
        ///
        /// `None` starts at the beginning, so you can pass on what a client has sent or not sent. A
        /// token of another query or scan, or of one with another filter, is refused:
        /// [`UsageError::ForeignResumeToken`](crate::error::UsageError::ForeignResumeToken). See
        /// [`ResumeToken`](crate::ResumeToken).
        pub fn resume(mut self, from: impl Into<Option<$crate::ResumeToken>>) -> Self {
            self.options.resume_from = from.into();
            self
        }

        /// Leaves out records whose readable attributes do not meet a condition. With several
        /// filters, a record must meet all of them.
        ///
        /// DynamoDB filters after it has read. So filtered records cost as much, and pages may be
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

        /// Reads each record that the index lists from the table, whatever the index projects.
        ///
        /// The stream reads up to 100 records in a call, by their primary keys, with consistent
        /// reads. A record that was deleted meanwhile is left out. A record that was changed
        /// meanwhile is returned as it is now. Each record costs another read.
        pub const fn fetch_base_table(mut self) -> Self
        where
            I: $crate::record::index::Secondary,
        {
            self.options.fetch_base_table = true;
            self
        }

        /// Reads all records.
        ///
        /// # Errors
        ///
        /// Returns the first error, and no record then. To get the records that open, and an error
        /// for each other record, use [`stream`](Self::stream).
        pub async fn send(self) -> Result<Vec<T>, $crate::Error> {
            self.stream()?.try_collect().await
        }
    };
}
pub(crate) use settings;
