//! `envelope inspect`: explains one stored item.

mod text;

use std::collections::HashMap;
use std::io::{self, IsTerminal, Read};

use aws_sdk_dynamodb::types::AttributeValue;
use clap::Args;
use envelope_dynamo::maintain::inspect::Inspection;
use envelope_dynamo::maintain::{KeySchema, RecordSchema, SchemaFile};

use crate::args::Global;
use crate::aws::{Aws, failed};
use crate::commands::inspect::text::Text;
use crate::dynamodb_json;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input::Logical;
use crate::output::{self, Output};
use crate::schema_source::SchemaArgs;

type Item = HashMap<String, AttributeValue>;

#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The table, by its physical name
    #[arg(long, value_name = "NAME", requires = "key")]
    table: Option<String>,

    /// The partition key of the item: text, a number, or bytes in base64, as the schema says
    ///
    /// Without it, the item is read from stdin, as `aws dynamodb get-item` prints it.
    #[arg(long, value_name = "VALUE", requires = "table", verbatim_doc_comment)]
    key: Option<String>,

    /// The sort key of the item, if the table has one
    #[arg(long, value_name = "VALUE", requires = "key")]
    sort_key: Option<String>,

    /// A KMS key, by ARN or id, whose hint is looked for; may be repeated
    #[arg(long, value_name = "ARN")]
    kms_key: Vec<String>,

    #[command(flatten)]
    schema: SchemaArgs,

    #[command(flatten)]
    logical: Logical,
}

pub(crate) async fn run(
    args: InspectArgs,
    global: &Global,
    of_code: Option<SchemaFile>,
) -> Outcome {
    let schema = args.schema.load(of_code)?;
    let logical = args.logical.of(&schema)?;
    let item = match (&args.table, &args.key) {
        (Some(table), Some(key)) => {
            let key = primary_key(&schema, logical, key, args.sort_key.as_deref())?;
            get(&Aws::load(global).await?, table, key).await?
        }
        _ => from_stdin()?,
    };
    let mut inspection = Inspection::of(&item, &schema, logical)
        .map_err(|error| Failure::act_now(error.to_string()))?;
    for key in &args.kms_key {
        if !inspection.compare_with(key) {
            return Err(Failure::act_now(format!(
                "`{key}` is neither the ARN nor the id of a KMS key; `aws kms describe-key \
                 --key-id {key}` prints the ARN"
            )));
        }
    }
    let exit = if inspection.problems.is_empty() { Exit::Done } else { Exit::LeftOver };
    match global.output {
        Output::Text => output::line(&Text { inspection: &inspection, keys: &args.kms_key })?,
        Output::Json => output::json(&inspection)?,
    }
    Ok(exit)
}

/// The primary key of the item, of the types that the schema says.
fn primary_key(
    schema: &SchemaFile,
    logical: &str,
    key: &str,
    sort_key: Option<&str>,
) -> Result<Item, Failure> {
    let of_table = |record: &&RecordSchema| record.table == logical;
    let Some(record) = schema.records().values().find(of_table) else {
        return Err(Failure::act_now(format!("the schema has no table `{logical}`")));
    };
    let mut item = Item::new();
    let mut add = |schema: &KeySchema, text: &str| {
        let scalar = schema.scalar.as_deref().unwrap_or("S");
        let value = dynamodb_json::key(scalar, text);
        let value = value
            .map_err(|problem| Failure::act_now(format!("the key `{}`: {problem}", schema.name)))?;
        item.insert(schema.name.clone(), value);
        Ok::<_, Failure>(())
    };
    add(&record.partition_key, key)?;
    match (&record.sort_key, sort_key) {
        (Some(schema), Some(text)) => add(schema, text)?,
        (None, None) => {}
        (Some(schema), None) => {
            return Err(Failure::act_now(format!(
                "the table has the sort key `{}`: give it with --sort-key",
                schema.name
            )));
        }
        (None, Some(_)) => {
            return Err(Failure::act_now("the table has no sort key: leave --sort-key out"));
        }
    }
    Ok(item)
}

async fn get(aws: &Aws, table: &str, key: Item) -> Result<Item, Failure> {
    let get = aws.dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
    let output = get
        .send()
        .await
        .map_err(|error| failed(&format!("DynamoDB does not give the item of {table}"), &error))?;
    output
        .item
        .ok_or_else(|| Failure::act_now(format!("the table {table} has no item under this key")))
}

fn from_stdin() -> Result<Item, Failure> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(Failure::act_now(
            "give --table and --key, or an item at stdin: aws dynamodb get-item .. | envelope \
             inspect",
        ));
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::act_now(format!("stdin cannot be read: {error}")))?;
    dynamodb_json::item(&text).map_err(|problem| {
        Failure::act_now(format!(
            "stdin has no item in DynamoDB's JSON, as `aws dynamodb get-item` prints it: {problem}"
        ))
    })
}
