#[doc(hidden)]
const _: () = {
    use ::envelope_dynamo::__private as __envelope;
    const fn __written() {
        __envelope::is_written::<String>();
        __envelope::is_written::<String>();
        __envelope::is_written::<Option<String>>();
        __envelope::is_written::<State>();
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", remote = "Visit", rename = "Visit")]
    struct __Record {
        id: String,
        notes: String,
        #[serde(rename = "Doctor")]
        doctor: Option<String>,
        #[serde(with = "epoch")]
        start: Time,
        state: State,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde")]
    struct __Key {
        #[serde(rename = "id")]
        __partition: String,
    }
    pub struct __Attributes {
        id: __envelope::Attribute<Visit, String, __envelope::mark::Key>,
        notes: __envelope::Attribute<Visit, String, __envelope::mark::Encrypted>,
        doctor: __envelope::Attribute<
            Visit,
            Option<String>,
            __envelope::mark::Authenticated,
        >,
        start: __envelope::Attribute<Visit, Time, __envelope::mark::Authenticated>,
        state: __envelope::Attribute<Visit, State, __envelope::mark::InIndexKey>,
        gsi1pk: __envelope::Attribute<Visit, __envelope::String, __envelope::mark::Key>,
        gsi1sk: __envelope::Attribute<Visit, __envelope::String, __envelope::mark::Key>,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", transparent)]
    struct __Value_start {
        #[serde(with = "epoch")]
        value: Time,
        #[serde(skip)]
        marker: __envelope::PhantomData<fn() -> Visit>,
    }
    #[derive(__envelope::serde::Serialize)]
    #[serde(crate = "__envelope::serde")]
    struct __IndexParts0 {
        #[serde(rename = "Doctor")]
        __part: Option<String>,
    }
    #[derive(__envelope::serde::Serialize)]
    #[serde(crate = "__envelope::serde")]
    struct __IndexParts1 {
        #[serde(rename = "start", with = "epoch")]
        __part_0: Time,
        #[serde(rename = "state")]
        __part_1: State,
    }
    pub struct __Indexes {
        pub gsi1: __envelope::Index<
            Visit,
            __envelope::Composite<Option<String>, __envelope::Parts<(Time, State)>>,
            __envelope::kind::Global,
        >,
        pub by_start: __envelope::Index<
            Visit,
            __envelope::Composite<Option<String>, Time>,
            __envelope::kind::Global,
        >,
    }
    #[automatically_derived]
    impl __envelope::Envelope for Visit {
        const NAME: &'static str = "Visit";
        const TABLE: &'static str = "visits";
        const SCHEMA: __envelope::Schema = __envelope::Schema::new(
            &[
                __envelope::Field::new("id", __envelope::Mark::PartitionKey),
                __envelope::Field::new("notes", __envelope::Mark::Encrypted),
                __envelope::Field::new("Doctor", __envelope::Mark::Authenticated)
                    .in_index_key(),
                __envelope::Field::new("start", __envelope::Mark::Authenticated)
                    .in_index_key(),
                __envelope::Field::new("state", __envelope::Mark::Plaintext)
                    .in_index_key(),
                __envelope::Field::new("gsi1pk", __envelope::Mark::Plaintext)
                    .index_key(
                        "DOCTOR#{doctor}",
                        &[
                            __envelope::Piece::Literal("DOCTOR#"),
                            __envelope::Piece::Part("Doctor"),
                        ],
                    ),
                __envelope::Field::new("gsi1sk", __envelope::Mark::Plaintext)
                    .index_key(
                        "{start:020}#{state}",
                        &[
                            __envelope::Piece::Padded("start", 20usize),
                            __envelope::Piece::Literal("#"),
                            __envelope::Piece::Part("state"),
                        ],
                    ),
            ],
        );
        type Key = __envelope::Partition<String>;
        fn optional_fields() -> __envelope::Vec<&'static str> {
            use __envelope::NotDeserialized as _;
            __envelope::optional([
                ("id", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("notes", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("Doctor", __envelope::MayBeAbsent::<Option<String>>::__may_be_absent()),
                ("state", __envelope::MayBeAbsent::<State>::__may_be_absent()),
            ])
        }
        type Attributes = __Attributes;
        fn attributes() -> Self::Attributes {
            use __envelope::CheckUngrouped as _;
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<Option<String>>::__ungrouped();
            __envelope::Ungrouped::<Time>::__ungrouped();
            __envelope::Ungrouped::<State>::__ungrouped();
            __Attributes {
                id: __envelope::Attribute::new("id"),
                notes: __envelope::Attribute::encrypted("notes"),
                doctor: __envelope::Attribute::new("Doctor"),
                start: __envelope::Attribute::scalar_type(
                    __envelope::Attribute::through(
                        "start",
                        |value| {
                            let written: __Value_start = __Value_start {
                                value,
                                marker: __envelope::PhantomData,
                            };
                            __envelope::to_attribute_value(&written)
                        },
                        |stored| {
                            __envelope::from_attribute_value(stored)
                                .map(|read: __Value_start| read.value)
                        },
                    ),
                    __envelope::scalar_type::<__Value_start>,
                ),
                state: __envelope::Attribute::new("state"),
                gsi1pk: __envelope::Attribute::new("gsi1pk"),
                gsi1sk: __envelope::Attribute::new("gsi1sk"),
            }
        }
        type Indexes = __Indexes;
        fn indexes() -> Self::Indexes {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            __Indexes {
                gsi1: __envelope::Index::by_both(
                    __envelope::Option::Some("gsi1"),
                    __envelope::Attribute::<
                        Self,
                        _,
                        __envelope::mark::Key,
                    >::composed(
                            "gsi1pk",
                            |__part| {
                                let __parts: __IndexParts0 = __IndexParts0 { __part };
                                __envelope::compose_key::<Self>("gsi1pk", &__parts)
                            },
                        )
                        .with_typed_parts(),
                    __envelope::Attribute::<
                        Self,
                        _,
                        __envelope::mark::Key,
                    >::composed(
                        "gsi1sk",
                        |__envelope::Parts((__part_0, __part_1))| {
                            let __parts: __IndexParts1 = __IndexParts1 {
                                __part_0,
                                __part_1,
                            };
                            __envelope::compose_key::<Self>("gsi1sk", &__parts)
                        },
                    ),
                ),
                by_start: __envelope::Index::by_both(
                    __envelope::Option::Some("by-start"),
                    __envelope::Attribute::<
                        Self,
                        _,
                        __envelope::mark::Key,
                    >::composed(
                            "gsi1pk",
                            |__part| {
                                let __parts: __IndexParts0 = __IndexParts0 { __part };
                                __envelope::compose_key::<Self>("gsi1pk", &__parts)
                            },
                        )
                        .with_typed_parts(),
                    __attributes.start,
                ),
            }
        }
        fn index_schemas() -> __envelope::Vec<__envelope::IndexSchema> {
            let __indexes = <Self as __envelope::Envelope>::indexes();
            __envelope::list([
                __envelope::Index::schema(&__indexes.gsi1),
                __envelope::Index::schema(&__indexes.by_start),
            ])
        }
        fn primary_key() -> __envelope::PrimaryKey<Self> {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            __envelope::Index::by_partition(__envelope::Option::None, __attributes.id)
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
            let __envelope::Partition { partition: __partition } = __key;
            let __key: __Key = __Key { __partition };
            __envelope::serde::Serialize::serialize(&__key, __serializer)
        }
        fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self::Key, __D::Error> {
            let __key: __envelope::Result<__Key, __D::Error> = __envelope::serde::Deserialize::deserialize(
                __deserializer,
            );
            __key
                .map(|__Key { __partition, .. }| __envelope::Partition {
                    partition: __partition,
                })
        }
        fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self, __D::Error> {
            __Record::deserialize(__deserializer)
        }
    }
    #[automatically_derived]
    impl __envelope::Unversioned for Visit {}
    #[automatically_derived]
    impl __envelope::Unclaimed for Visit {}
};
