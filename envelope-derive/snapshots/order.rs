#[doc(hidden)]
const _: () = {
    use ::envelope_dynamo::__private as __envelope;
    const fn __written() {
        __envelope::is_written::<String>();
        __envelope::is_written::<u64>();
        __envelope::is_written::<String>();
        __envelope::is_written::<String>();
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde", remote = "Order", rename = "Order")]
    struct __Record {
        user_id: String,
        created: u64,
        order_id: String,
        card: String,
    }
    #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
    #[serde(crate = "__envelope::serde")]
    struct __Key {
        #[serde(rename = "user_id")]
        __partition: String,
        #[serde(rename = "created")]
        __sort_0: u64,
        #[serde(rename = "order_id")]
        __sort_1: String,
    }
    pub struct __Attributes {
        pub order_id: __envelope::Attribute<
            Order,
            String,
            __envelope::mark::Authenticated,
        >,
        pub card: __envelope::Attribute<Order, String, __envelope::mark::Encrypted>,
        pub pk: __envelope::Attribute<Order, __envelope::String, __envelope::mark::Key>,
        pub sk: __envelope::Attribute<Order, __envelope::String, __envelope::mark::Key>,
    }
    #[derive(__envelope::serde::Serialize)]
    #[serde(crate = "__envelope::serde")]
    struct __PartitionParts {
        #[serde(rename = "user_id")]
        __part: String,
    }
    #[derive(__envelope::serde::Serialize)]
    #[serde(crate = "__envelope::serde")]
    struct __SortParts {
        #[serde(rename = "created")]
        __part_0: u64,
        #[serde(rename = "order_id")]
        __part_1: String,
    }
    #[automatically_derived]
    impl __envelope::Envelope for Order {
        const NAME: &'static str = "Order";
        const TABLE: &'static str = "shop";
        const SCHEMA: __envelope::Schema = __envelope::Schema::new(
            &[
                __envelope::Field::new("user_id", __envelope::Mark::Key),
                __envelope::Field::new("created", __envelope::Mark::Key),
                __envelope::Field::new("order_id", __envelope::Mark::Authenticated)
                    .in_key(),
                __envelope::Field::new("card", __envelope::Mark::Encrypted),
                __envelope::Field::new("pk", __envelope::Mark::PartitionKey)
                    .composed(
                        "USER#{user_id}",
                        &[
                            __envelope::Piece::Literal("USER#"),
                            __envelope::Piece::Part("user_id"),
                        ],
                    ),
                __envelope::Field::new("sk", __envelope::Mark::SortKey)
                    .composed(
                        "ORDER#{created:020}#{order_id}",
                        &[
                            __envelope::Piece::Literal("ORDER#"),
                            __envelope::Piece::Padded("created", 20usize),
                            __envelope::Piece::Literal("#"),
                            __envelope::Piece::Part("order_id"),
                        ],
                    ),
                __envelope::Field::new("kind", __envelope::Mark::Authenticated)
                    .constant("order"),
            ],
        );
        type Key = __envelope::Composite<String, __envelope::Parts<(u64, String)>>;
        fn optional_fields() -> __envelope::Vec<&'static str> {
            use __envelope::NotDeserialized as _;
            __envelope::optional([
                ("user_id", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("created", __envelope::MayBeAbsent::<u64>::__may_be_absent()),
                ("order_id", __envelope::MayBeAbsent::<String>::__may_be_absent()),
                ("card", __envelope::MayBeAbsent::<String>::__may_be_absent()),
            ])
        }
        type Attributes = __Attributes;
        fn attributes() -> Self::Attributes {
            use __envelope::CheckUngrouped as _;
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<u64>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __envelope::Ungrouped::<String>::__ungrouped();
            __Attributes {
                order_id: __envelope::Attribute::new("order_id"),
                card: __envelope::Attribute::encrypted("card"),
                pk: __envelope::Attribute::new("pk"),
                sk: __envelope::Attribute::new("sk"),
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
                __envelope::Attribute::<
                    Self,
                    _,
                    __envelope::mark::Key,
                >::composed(
                        "pk",
                        |__part| {
                            let __parts: __PartitionParts = __PartitionParts { __part };
                            __envelope::compose_key::<Self>("pk", &__parts)
                        },
                    )
                    .with_typed_parts(),
                __envelope::Attribute::<
                    Self,
                    _,
                    __envelope::mark::Key,
                >::composed(
                        "sk",
                        |__envelope::Parts((__part_0, __part_1))| {
                            let __parts: __SortParts = __SortParts {
                                __part_0,
                                __part_1,
                            };
                            __envelope::compose_key::<Self>("sk", &__parts)
                        },
                    )
                    .with_typed_parts(),
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
            let __envelope::Composite {
                partition: __partition,
                sort: __envelope::Parts((__sort_0, __sort_1)),
            } = __key;
            let __key: __Key = __Key {
                __partition,
                __sort_0,
                __sort_1,
            };
            __envelope::serde::Serialize::serialize(&__key, __serializer)
        }
        fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self::Key, __D::Error> {
            let __key: __envelope::Result<__Key, __D::Error> = __envelope::serde::Deserialize::deserialize(
                __deserializer,
            );
            __key
                .map(|__Key { __partition, __sort_0, __sort_1, .. }| __envelope::Composite {
                    partition: __partition,
                    sort: __envelope::Parts((__sort_0, __sort_1)),
                })
        }
        fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
            __deserializer: __D,
        ) -> __envelope::Result<Self, __D::Error> {
            __Record::deserialize(__deserializer)
        }
    }
    #[automatically_derived]
    impl __envelope::Unversioned for Order {}
    #[automatically_derived]
    impl __envelope::Unclaimed for Order {}
};
