//! Every call of the library can run in a task of its own: its future is `Send`, whatever it
//! borrows.

use aws_sdk_dynamodb::Client;
use envelope_dynamo::keys::rewrap;
use envelope_dynamo::message::{Context, open, seal};
use envelope_dynamo::stream::{StreamSealer, UntrustedStreamHeader, open_stream, seal_stream};
use envelope_dynamo::{
    BranchKeyTable, Envelope, KmsKeyProvider, KmsKeyWrapper, LocalKeyProvider, RootKey, Table,
    View, from_item, to_item, transact_get, transact_write,
};
use envelope_examples::Servers;
use envelope_examples::servers::create_kms_key;

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts", index(name = "by-plan", partition_key = plan))]
struct Account {
    #[partition_key]
    id: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

#[derive(Debug, PartialEq, View)]
#[view(of = Account)]
struct Usage {
    logins: u64,
}

fn account(number: u32) -> Account {
    Account {
        id: "a".into(),
        number,
        email: "zoe@example.com".into(),
        plan: "free".into(),
        logins: 0,
    }
}

fn root() -> RootKey {
    RootKey::generate().expect("the operating system gives random bytes")
}

fn is_send<T: Send>(value: T) -> T {
    value
}

fn keys() -> Vec<(String, u32)> {
    (0..3).map(|number| ("a".to_owned(), number)).collect()
}

/// The calls, borrowing all they can: table, keys, records, and what closures hold.
async fn every_call(accounts: &Table<Account>, others: &Table<Account>, dynamodb: &Client) {
    let (one, mut other, keys) = (account(1), account(2), keys());
    let plan = String::from("free");

    // Single records.
    let put = accounts.put(&one).condition(|stored| stored.id.not_exists());
    is_send(put.send()).await.expect("a put");
    is_send(accounts.put_mut(&mut other).send()).await.expect("a put");
    is_send(accounts.get(("a", 1)).consistent_read().send()).await.expect("a get");
    is_send(accounts.get((&keys[0].0, keys[0].1)).send()).await.expect("a get");
    is_send(accounts.view::<Usage>(("a", 1)).send()).await.expect("a view");
    let update = accounts.update(("a", 1)).add(|stored| stored.logins, 1);
    is_send(update.condition(|stored| stored.plan.eq(plan.as_str())).send())
        .await
        .expect("an update");
    is_send(accounts.update(("a", 1)).add(|stored| stored.logins, 1).returning_new().send())
        .await
        .expect("an update");
    is_send(accounts.update(("a", 1)).modify(|stored| stored.plan.push_str(&plan)).send())
        .await
        .expect("a change");
    let changed = accounts.update(("a", 1)).try_modify(|stored| {
        stored.plan.clone_from(&plan);
        Ok::<_, envelope_dynamo::Error>(())
    });
    is_send(changed.send()).await.expect("a change");
    is_send(accounts.put(&account(3)).returning_old().send()).await.expect("a put");
    is_send(accounts.delete(("a", 3)).returning_old().send()).await.expect("a delete");
    is_send(accounts.delete(("a", 4)).send()).await.expect("a delete");

    // Batches, by values, borrows and closures.
    let records = (0..3_u32).map(account);
    is_send(accounts.batch_put(records).send()).await.expect("a batch");
    let records: Vec<_> = (0..3).map(account).collect();
    is_send(accounts.batch_put(&records).send()).await.expect("a batch");
    is_send(accounts.batch_put(records.iter().filter(|record| record.plan == plan)).send())
        .await
        .expect("a batch");
    is_send(accounts.batch_get(keys.clone()).send()).await.expect("a batch");
    is_send(accounts.batch_get(keys.iter().map(|(id, number)| (id.as_str(), *number))).send())
        .await
        .expect("a batch");
    let found = accounts.batch_get(keys.iter().map(|(id, number)| (id, *number)));
    let mut found = is_send(found.stream());
    while let Some((_, record)) = is_send(found.next()).await {
        assert!(record.expect("the record opens").is_some());
    }
    is_send(accounts.batch_delete(keys.iter().map(|(id, number)| (id.as_str(), *number))).send())
        .await
        .expect("a batch");
    is_send(accounts.batch_put(&records).send()).await.expect("a batch");

    // Queries and scans.
    let query = || {
        accounts
            .query(keys[0].0.as_str())
            .sort(|number| number.ge(0))
            .filter(|stored| stored.plan.eq(&plan))
    };
    is_send(query().send()).await.expect("a query");
    is_send(query().count()).await.expect("a count");
    let mut stream = is_send(query().stream().expect("the query is in order"));
    while let Some(record) = is_send(stream.next()).await {
        record.expect("the record opens");
    }
    is_send(stream.try_collect::<Vec<_>>()).await.expect("the rest");
    is_send(stream.collect::<Vec<_>>()).await;
    let by_plan = accounts.index(|indexes| indexes.by_plan);
    is_send(by_plan.query(plan.as_str()).fetch_base_table().send()).await.expect("a query");
    is_send(by_plan.scan().segments(2).send()).await.expect("a scan");
    let mut views = is_send(accounts.scan().views::<Usage>().expect("the scan is in order"));
    is_send(views.try_collect::<Vec<_>>()).await.expect("the views");

    // Transactions.
    let gets = (accounts.get((keys[0].0.as_str(), 1)), others.get(("a", 2)));
    is_send(transact_get(gets).send()).await.expect("a transaction");
    let gets: Vec<_> = keys.iter().map(|(id, number)| accounts.get((id, *number))).collect();
    is_send(transact_get(gets).send()).await.expect("a transaction");
    let seventh = account(7);
    let writes = transact_write(dynamodb)
        .put(accounts.put(&seventh).if_not_exists())
        .update(accounts.update(("a", 2)).add(|stored| stored.logins, 1))
        .delete(accounts.delete((&keys[0].0, 0)))
        .check(accounts.check(("a", 1)).condition(|stored| stored.plan.eq(plan.as_str())));
    let prepared = is_send(writes.prepare()).await.expect("a transaction");
    is_send(prepared.send()).await.expect("a transaction");
    is_send(transact_write(dynamodb).delete(accounts.delete(("a", 9))).send())
        .await
        .expect("a transaction");
}

#[tokio::test]
async fn every_call_runs_in_a_task_of_its_own() {
    let setup = Setup::new().await;
    let accounts = setup.table::<Account>().await;
    let dynamodb = setup.dynamodb.clone();
    tokio::spawn(async move {
        let others = accounts.clone();
        every_call(&accounts, &others, &dynamodb).await;
    })
    .await
    .expect("the task ends");
}

/// Two tables that live for different times.
async fn of_two_lives(one: &Table<Account>, other: &Table<Account>) -> usize {
    let (one, other) =
        transact_get((one.get(("a", 1)), other.get(("a", 2)))).send().await.expect("a transaction");
    usize::from(one.is_some()) + usize::from(other.is_some())
}

#[tokio::test]
async fn a_tuple_of_gets_may_have_tables_of_different_lives() {
    let setup = Setup::new().await;
    let accounts = setup.table::<Account>().await;
    accounts.put(&account(1)).send().await.expect("the record is stored");
    let task = tokio::spawn(async move {
        let short = accounts.clone();
        is_send(of_two_lives(&accounts, &short)).await
    });
    assert_eq!(task.await.expect("the task ends"), 1);
}

/// The calls that seal and open without a table, and those to KMS beside records.
async fn every_other_call(
    accounts: &Table<Account>,
    kms: &KmsKeyProvider,
    wrapper: &KmsKeyWrapper,
) {
    let (provider, one) = (LocalKeyProvider::new(root()), account(1));
    let item = is_send(to_item(&one, &provider)).await.expect("the record is sealed");
    is_send(from_item::<Account>(item, &provider)).await.expect("the record opens");
    is_send(accounts.put(&one).into_sdk()).await.expect("the record is sealed");
    let error =
        is_send(accounts.put(&one).if_exists().send()).await.expect_err("there is no record");
    assert!(
        is_send(accounts.open_returned(&error)).await.expect("there is nothing to open").is_none()
    );

    let to = String::from("zoe");
    let context = Context::new("letters").pair("to", &to).expect("the pair can be bound");
    let sealed = is_send(seal(b"dear", &context, &provider)).await.expect("it is sealed");
    is_send(open(&sealed, &context, &provider)).await.expect("it opens");
    is_send(rewrap(&sealed, &provider, &context, &[&provider], &context))
        .await
        .expect("it is wrapped anew");
    let (mut stream, mut plaintext) = (Vec::new(), Vec::new());
    is_send(seal_stream(&b"dear"[..], &mut stream, &context, &provider))
        .await
        .expect("it is sealed");
    is_send(open_stream(&stream[..], &mut plaintext, &context, &provider)).await.expect("it opens");
    let header =
        is_send(UntrustedStreamHeader::read_async(&stream[..])).await.expect("there is a header");
    is_send(header.open(&context, &provider)).await.expect("it opens");
    is_send(StreamSealer::new(&context, &provider)).await.expect("there is a data key");

    let blob = is_send(kms.encrypt_direct(b"secret", &context)).await.expect("it is encrypted");
    is_send(kms.decrypt_direct(&blob, &context)).await.expect("it is decrypted");
    is_send(wrapper.encrypt_direct(b"secret", &context)).await.expect("it is encrypted");
    is_send(wrapper.generate_without_plaintext(&context)).await.expect("there is a data key");
    let dek = is_send(kms.generate_without_plaintext(&context)).await.expect("another data key");
    is_send(kms.rewrap(&dek, &context, wrapper, &context)).await.expect("it is wrapped anew");
}

#[tokio::test]
async fn calls_beside_those_of_tables_run_in_a_task_of_their_own() {
    let servers = Servers::embedded().await.expect("the embedded servers start");
    let key = servers.kms_key_id().to_owned();
    let kms = KmsKeyProvider::new(servers.kms().clone(), &key);
    let other = create_kms_key(servers.kms()).await.expect("a second key is created");
    let wrapper = KmsKeyWrapper::new(servers.kms().clone(), other);
    let accounts = Table::<Account>::new(servers.dynamodb().clone(), LocalKeyProvider::new(root()));
    let calls = async move {
        is_send(accounts.create_table().send()).await.expect("the table is created");
        every_other_call(&accounts, &kms, &wrapper).await;
    };
    tokio::spawn(calls).await.expect("the task ends");
}

async fn every_call_of_branch_keys(branches: &BranchKeyTable<LocalKeyProvider>) {
    is_send(branches.create_table()).await.expect("the table is created");
    let name = String::from("tenant_1");
    is_send(branches.create(&name)).await.expect("the branch is created");
    is_send(branches.rotate(&name)).await.expect("the branch is rotated");
    is_send(branches.versions(&name)).await.expect("the versions are listed");
    let mut list = is_send(branches.list());
    while let Some(branch) = is_send(list.next()).await {
        branch.expect("the branch is listed");
    }
    is_send(branches.delete(&name)).await.expect("the branch is deleted");
}

#[tokio::test]
async fn branch_keys_are_managed_in_a_task_of_their_own() {
    let setup = Setup::new().await;
    let branches =
        BranchKeyTable::new(setup.dynamodb.clone(), "branches", LocalKeyProvider::new(root()));
    tokio::spawn(async move { every_call_of_branch_keys(&branches).await })
        .await
        .expect("the task ends");
}
