#[doc(hidden)]
const _: () = {
    use ::envelope_dynamo::__private as __envelope;
    const fn __written() {
        __envelope::is_written::<String>();
        __envelope::is_written::<String>();
        __envelope::is_written::<Option<String>>();
        __envelope::is_written::<String>();
        __envelope::is_written::<String>();
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", remote = "Patient", rename = "Patient")]
    struct __Record {
        id: String,
        clinic: String,
        #[serde(rename = "mail")]
        email: Option<String>,
        last: String,
        first: String,
        #[serde(with = "phone_number")]
        phone: Phone,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde")]
    struct __Key {
        #[serde(rename = "id")]
        __partition: String,
    }
    pub struct __Attributes {
        id: __envelope::Attribute<Patient, String, __envelope::mark::Key>,
        clinic: __envelope::Attribute<Patient, String, __envelope::mark::Authenticated>,
        email: __envelope::Attribute<
            Patient,
            Option<String>,
            __envelope::mark::Encrypted,
        >,
        last: __envelope::Attribute<Patient, String, __envelope::mark::Encrypted>,
        first: __envelope::Attribute<Patient, String, __envelope::mark::Encrypted>,
        phone: __envelope::Attribute<Patient, Phone, __envelope::mark::Encrypted>,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", transparent)]
    struct __Value_phone {
        #[serde(with = "phone_number")]
        value: Phone,
        #[serde(skip)]
        marker: __envelope::PhantomData<fn() -> Patient>,
    }
    pub struct __Indexes {
        pub by_email: __envelope::Index<
            Patient,
            __envelope::Partition<Option<String>>,
            __envelope::kind::Global,
        >,
        pub by_name: __envelope::Index<
            Patient,
            __envelope::SortedBy<
                __envelope::Parts<(String, __envelope::Parts<(String, String)>)>,
                __envelope::ThenSearched<Phone, ()>,
            >,
            __envelope::kind::Global,
        >,
    }
    #[automatically_derived]
    impl __envelope::Envelope for Patient {
        const NAME: &'static str = "Patient";
        const TABLE: &'static str = "patients";
        const SCHEMA: __envelope::Schema = __envelope::Schema::new(
            &[
                __envelope::Field::new("id", __envelope::Mark::PartitionKey),
                __envelope::Field::new("clinic", __envelope::Mark::Authenticated),
                __envelope::Field::new("mail", __envelope::Mark::Encrypted)
                    .in_search_tag(),
                __envelope::Field::new("last", __envelope::Mark::Encrypted)
                    .in_search_tag(),
                __envelope::Field::new("first", __envelope::Mark::Encrypted)
                    .in_search_tag(),
                __envelope::Field::new("phone", __envelope::Mark::Encrypted)
                    .in_search_tag(),
                __envelope::Field::new("blind_mail", __envelope::Mark::Authenticated)
                    .search_tag(
                        "mail",
                        &[
                            (
                                "mail",
                                &[__envelope::Step::Trim, __envelope::Step::AsciiLowercase],
                            ),
                        ],
                    ),
                __envelope::Field::new("blind_phone", __envelope::Mark::Authenticated)
                    .search_tag("phone", &[("phone", &[])]),
                __envelope::Field::new(
                        "blind_last+first",
                        __envelope::Mark::Authenticated,
                    )
                    .search_tag(
                        "last+first",
                        &[
                            (
                                "last",
                                &[__envelope::Step::Trim, __envelope::Step::AsciiLowercase],
                            ),
                            ("first", &[]),
                        ],
                    ),
            ],
        );
        type Key = __envelope::Partition<String>;
        fn optional_fields() -> __envelope::Vec<&'static str> {
            use __envelope::NotDeserialized as _;
            __envelope::optional([
                ("id", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("clinic", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("mail", __envelope::MayBeAbsent::<Option<String>>::__may_be_absent()),
                ("last", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("first", __envelope::MayBeAbsent::<String>::__may_be_absent()),
            ])
        }
        type Attributes = __Attributes;
        fn attributes() -> Self::Attributes {
            use __envelope::CheckUngrouped as _;
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<Option<String>>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<Phone>::__ungrouped();
            __Attributes {
                id: __envelope::Attribute::new("id"),
                clinic: __envelope::Attribute::new("clinic"),
                email: __envelope::Attribute::encrypted("mail"),
                last: __envelope::Attribute::encrypted("last"),
                first: __envelope::Attribute::encrypted("first"),
                phone: __envelope::Attribute::encrypted("phone"),
            }
        }
        type Indexes = __Indexes;
        fn indexes() -> Self::Indexes {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            __Indexes {
                by_email: __envelope::Index::by_partition(
                    __envelope::Option::Some("by-email"),
                    __envelope::Attribute::<
                        Self,
                        Option<String>,
                        __envelope::mark::Key,
                    >::search_tag(
                        "blind_mail",
                        |__searched_0| {
                            use __envelope::NotWiped as _;
                            let __values = __envelope::searched_values([
                                __envelope::SearchedValue::of(&__searched_0),
                            ]);
                            __envelope::Wipe::<Option<String>>::__wipe(__searched_0);
                            __values
                        },
                    ),
                ),
                by_name: __envelope::Index::by_several(
                    __envelope::Option::Some("by-name"),
                    __envelope::PartitionKey::Several {
                        attributes: || {
                            let __attributes = <Self as __envelope::Envelope>::attributes();
                            __envelope::list([
                                __envelope::KeyAttribute::partition(&__attributes.clinic),
                                __envelope::KeyAttribute::partition(
                                    &__envelope::Attribute::<
                                        Self,
                                        __envelope::Parts<(String, String)>,
                                        __envelope::mark::Key,
                                    >::search_tag(
                                        "blind_last+first",
                                        |__envelope::Parts((__searched_0, __searched_1))| {
                                            use __envelope::NotWiped as _;
                                            let __values = __envelope::searched_values([
                                                __envelope::SearchedValue::of(&__searched_0),
                                                __envelope::SearchedValue::of(&__searched_1),
                                            ]);
                                            __envelope::Wipe::<String>::__wipe(__searched_0);
                                            __envelope::Wipe::<String>::__wipe(__searched_1);
                                            __values
                                        },
                                    ),
                                ),
                            ])
                        },
                        operands: |__envelope::Parts((__value_0, __value_1))| {
                            let __attributes = <Self as __envelope::Envelope>::attributes();
                            __envelope::list([
                                __envelope::Attribute::key_operand(
                                    &__attributes.clinic,
                                    __value_0,
                                ),
                                __envelope::Attribute::key_operand(
                                    &__envelope::Attribute::<
                                        Self,
                                        __envelope::Parts<(String, String)>,
                                        __envelope::mark::Key,
                                    >::search_tag(
                                        "blind_last+first",
                                        |__envelope::Parts((__searched_0, __searched_1))| {
                                            use __envelope::NotWiped as _;
                                            let __values = __envelope::searched_values([
                                                __envelope::SearchedValue::of(&__searched_0),
                                                __envelope::SearchedValue::of(&__searched_1),
                                            ]);
                                            __envelope::Wipe::<String>::__wipe(__searched_0);
                                            __envelope::Wipe::<String>::__wipe(__searched_1);
                                            __values
                                        },
                                    ),
                                    __value_1,
                                ),
                            ])
                        },
                    },
                    __envelope::Option::Some(
                        __envelope::NextSearchedKey::new(
                            __envelope::Attribute::<
                                Self,
                                Phone,
                                __envelope::mark::Key,
                            >::search_tag(
                                "blind_phone",
                                |__searched_0| {
                                    use __envelope::NotWiped as _;
                                    let __searched_0: __Value_phone = __Value_phone {
                                        value: __searched_0,
                                        marker: __envelope::PhantomData,
                                    };
                                    let __values = __envelope::searched_values([
                                        __envelope::SearchedValue::of(&__searched_0),
                                    ]);
                                    __envelope::Wipe::<Phone>::__wipe(__searched_0.value);
                                    __values
                                },
                            ),
                            (),
                        ),
                    ),
                ),
            }
        }
        fn index_schemas() -> __envelope::Vec<__envelope::IndexSchema> {
            let __indexes = <Self as __envelope::Envelope>::indexes();
            __envelope::list([
                __envelope::Index::schema(&__indexes.by_email),
                __envelope::Index::schema(&__indexes.by_name),
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
    impl __envelope::Unversioned for Patient {}
    #[automatically_derived]
    impl __envelope::Unclaimed for Patient {}
};
