//! `envelope leakage`, as a process.

use envelope_dynamo::keys::LocalSearchKeys;
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::servers::unique_name;

use crate::bench::Bench;
use crate::process::{Ended, file};

#[derive(Debug, Envelope)]
#[envelope(table = "users", index(name = "by-name", partition_key = name))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    name: String,
}

#[tokio::test]
async fn the_frequencies_of_values_are_printed_without_tags() {
    let bench = Bench::of(0).await;
    let (dynamodb, name) = (bench.servers.dynamodb().clone(), unique_name("users"));
    let kms = KmsKeyProvider::new(bench.servers.kms().clone(), &bench.new);
    let keys = LocalSearchKeys::new(envelope_dynamo::keys::SearchKey::generate().unwrap());
    let table = Table::<User>::new(dynamodb, kms).named(&name).with_search_keys(keys);
    table.create_table().send().await.unwrap();
    let names = ["Meier", "Meier", "Meier", "Huber", "Quinn"];
    let user = |(number, name): (usize, &&str)| User {
        user_id: format!("u_{number}"),
        name: (*name).to_owned(),
    };
    table.batch_put(names.iter().enumerate().map(user)).send().await.unwrap();
    let schema = file("users-by-name.schema.json", &SchemaFile::new().with::<User>().to_string());
    let run = |more: &[&str]| -> Ended {
        let of = ["leakage", "--table", &name, "--schema", &schema];
        bench.run(&[&of[..], more].concat())
    };

    let text = run(&[]);
    assert_eq!(text.code, 0, "{text:?}");
    let expected = "blind_name   records 5   values 3   once 2   most frequent 3   ten most \
                    frequent 5   named at best 80.0 %\n   largest key of an index: 3, written in \
                    1 s at least\nitems 5\n";
    assert_eq!(text.stdout, expected);
    let json = run(&["--output", "json"]).json();
    let tag = &json["tags"]["blind_name"];
    assert_eq!(
        (&tag["most_frequent"], &tag["named_at_best"]),
        (&[3, 1, 1][..].into(), &0.8.into())
    );

    let bounded = run(&["--max-values", "2"]);
    bounded.refused(2, &["more than 2 different values", "the flag is --max-values"]);
    let (other, plain) = (&bench.name, &bench.schema);
    bench
        .run(&["leakage", "--table", other, "--schema", plain])
        .refused(2, &["no record type of the table", "has search tags"]);
}
