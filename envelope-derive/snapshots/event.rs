#[doc(hidden)]
const _: () = {
    use ::envelope_dynamo::__private as __envelope;
    const fn __written<T>()
    where
        T: __envelope::serde::Serialize,
        T: __envelope::serde::Deserialize<'static>,
    {
        __envelope::is_written::<String>();
        __envelope::is_written::<Option<String>>();
        __envelope::is_written::<T>();
        __envelope::is_written::<u32>();
        __envelope::is_written::<BTreeMap<String, String>>();
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(
        crate = "__envelope::serde",
        remote = "Event",
        rename = "Event",
        rename_all = "camelCase",
        deny_unknown_fields
    )]
    struct __Record<T> {
        stream_id: String,
        #[serde(with = "epoch_seconds")]
        at: Time,
        #[serde(alias = "mail")]
        email: Option<String>,
        body: T,
        tenant: u32,
        labels: BTreeMap<String, String>,
        #[serde(skip)]
        cache: Cache,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde")]
    struct __Key<T> {
        #[serde(rename = "streamId")]
        __partition: String,
        #[serde(rename = "at", with = "epoch_seconds")]
        __sort: Time,
        #[serde(skip)]
        __marker: __envelope::PhantomData<fn() -> Event<T>>,
    }
    pub struct __Attributes<T> {
        stream_id: __envelope::Attribute<Event<T>, String, __envelope::mark::Key>,
        at: __envelope::Attribute<Event<T>, Time, __envelope::mark::Key>,
        email: __envelope::Attribute<
            Event<T>,
            Option<String>,
            __envelope::mark::Encrypted,
        >,
        body: __envelope::Attribute<Event<T>, T, __envelope::mark::Encrypted>,
        tenant: __envelope::Attribute<Event<T>, u32, __envelope::mark::Authenticated>,
        labels: __envelope::Attribute<
            Event<T>,
            BTreeMap<String, String>,
            __envelope::mark::Plaintext,
        >,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", transparent)]
    struct __Value_at<T> {
        #[serde(with = "epoch_seconds")]
        value: Time,
        #[serde(skip)]
        marker: __envelope::PhantomData<fn() -> Event<T>>,
    }
    #[automatically_derived]
    impl<T> __envelope::Envelope for Event<T>
    where
        T: __envelope::serde::Serialize,
        T: __envelope::serde::Deserialize<'static>,
    {
        const NAME: &'static str = "Event";
        const TABLE: &'static str = "events";
        const CONTEXT_FORM: __envelope::ContextForm = __envelope::ContextForm::Hashed;
        const CONTEXT: &'static [(&'static str, &'static str)] = &[("purpose", "audit")];
        const SCHEMA: __envelope::Schema = __envelope::Schema::new(
            &[
                __envelope::Field::new("streamId", __envelope::Mark::PartitionKey),
                __envelope::Field::new("at", __envelope::Mark::SortKey),
                __envelope::Field::new("email", __envelope::Mark::Encrypted)
                    .aliases(&["mail"])
                    .accepting_plaintext(),
                __envelope::Field::new("body", __envelope::Mark::Encrypted),
                __envelope::Field::new("tenant", __envelope::Mark::Authenticated)
                    .in_encryption_context(),
                __envelope::Field::new("labels", __envelope::Mark::Plaintext),
            ],
        );
        const DENY_UNKNOWN_FIELDS: bool = true;
        type Key = __envelope::Composite<String, Time>;
        fn optional_fields() -> __envelope::Vec<&'static str> {
            use __envelope::NotDeserialized as _;
            __envelope::optional([
                ("streamId", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("email", __envelope::MayBeAbsent::<Option<String>>::__may_be_absent()),
                ("body", __envelope::MayBeAbsent::<T>::__may_be_absent()),
                ("tenant", __envelope::MayBeAbsent::<u32>::__may_be_absent()),
                (
                    "labels",
                    __envelope::MayBeAbsent::<
                        BTreeMap<String, String>,
                    >::__may_be_absent(),
                ),
            ])
        }
        type Attributes = __Attributes<T>;
        fn attributes() -> Self::Attributes {
            use __envelope::CheckUngrouped as _;
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<Time>::__ungrouped();
            __envelope::Ungrouped::<Option<String>>::__ungrouped();
            __envelope::Ungrouped::<T>::__ungrouped();
            __envelope::Ungrouped::<u32>::__ungrouped();
            __envelope::Ungrouped::<BTreeMap<String, String>>::__ungrouped();
            __Attributes {
                stream_id: __envelope::Attribute::new("streamId"),
                at: __envelope::Attribute::scalar_type(
                    __envelope::Attribute::through(
                        "at",
                        |value| {
                            let written: __Value_at<T> = __Value_at {
                                value,
                                marker: __envelope::PhantomData,
                            };
                            __envelope::to_attribute_value(&written)
                        },
                        |stored| {
                            __envelope::from_attribute_value(stored)
                                .map(|read: __Value_at<T>| read.value)
                        },
                    ),
                    __envelope::scalar_type::<__Value_at<T>>,
                ),
                email: __envelope::Attribute::encrypted("email"),
                body: __envelope::Attribute::encrypted("body"),
                tenant: __envelope::Attribute::new("tenant"),
                labels: __envelope::Attribute::new("labels"),
            }
        }
        type Indexes = __envelope::NoIndexes;
        fn indexes() -> Self::Indexes {
            __envelope::NoIndexes
        }
        fn primary_key() -> __envelope::PrimaryKey<Self> {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            __envelope::Index::by_both(
                __envelope::Option::None,
                __attributes.stream_id,
                __attributes.at,
            )
        }
        fn serialize<__S: __envelope::serde::Serializer>(
            &self,
            __serializer: __S,
        ) -> __envelope::Result<__S::Ok, __S::Error> {
            __Record::serialize(self, __serializer)
        }
        fn serialize_key<__S: __envelope::serde::Serializer>(
            __key: Self::Key,
            __serializer: __S,
        ) -> __envelope::Result<__S::Ok, __S::Error> {
            let __envelope::Composite { partition: __partition, sort: __sort } = __key;
            let __key: __Key<T> = __Key {
                __partition,
                __sort,
                __marker: __envelope::PhantomData,
            };
            __envelope::serde::Serialize::serialize(&__key, __serializer)
        }
        fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self::Key, __D::Error> {
            let __key: __envelope::Result<__Key<T>, __D::Error> = __envelope::serde::Deserialize::deserialize(
                __deserializer,
            );
            __key
                .map(|__Key { __partition, __sort, .. }| __envelope::Composite {
                    partition: __partition,
                    sort: __sort,
                })
        }
        fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self, __D::Error> {
            __Record::deserialize(__deserializer)
        }
    }
    #[automatically_derived]
    impl<T> __envelope::Unversioned for Event<T>
    where
        T: __envelope::serde::Serialize,
        T: __envelope::serde::Deserialize<'static>,
    {}
    #[automatically_derived]
    impl<T> __envelope::Unclaimed for Event<T>
    where
        T: __envelope::serde::Serialize,
        T: __envelope::serde::Deserialize<'static>,
    {}
};
