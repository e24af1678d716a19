use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "users", index(name = "by-plan", partition_key = plan))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    plan: String,
}

#[derive(Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    notes: String,
}

fn main() {}

fn no_sort_key(users: Table<User>) {
    let _ = users.query("u_1").sort(|sort| sort.eq("2026"));
}

fn another_type(visits: Table<Visit>) {
    let _ = visits.query(7);
    let _ = visits.query("p_1").sort(|number| number.gt("7"));
}

fn a_filter_on_what_is_sealed(users: Table<User>) {
    let _ = users.scan().filter(|user| user.email.eq("zoe@example.com"));
}

fn consistent_reads_of_a_global_index(users: Table<User>) {
    let _ = users.index(|indexes| indexes.by_plan).query("pro").consistent_read();
}

fn no_such_index(users: Table<User>, visits: Table<Visit>) {
    let _ = users.index(|indexes| indexes.by_email).scan();
    let _ = visits.index(|indexes| indexes.by_day).scan();
}

fn the_table_itself(users: Table<User>) {
    let _ = users.query("u_1").fetch_base_table();
}

fn without_the_capability(users: Table<User, dyn envelope_dynamo::WrapKey>) {
    let _ = users.scan();
}
