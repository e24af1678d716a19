use envelope_dynamo::{Envelope, Error, Table, View};

#[derive(Envelope)]
#[envelope(table = "users", index(name = "by-plan", partition_key = plan))]
#[partition_key(name = "pk", format = "USER#{id}")]
struct User {
    #[key]
    id: String,
    email: String,
    #[plaintext]
    plan: String,
    #[plaintext]
    logins: u64,
    #[authenticated]
    #[version]
    version: u64,
}

#[derive(Envelope)]
#[envelope(table = "users")]
#[partition_key(name = "pk", format = "ORDER#{id}")]
struct Order {
    #[key]
    id: String,
    #[encrypted]
    card: String,
}

#[derive(Envelope)]
enum Shop {
    User(User),
    Order(Order),
}

#[derive(View)]
#[view(of = User)]
struct Usage {
    plan: String,
    logins: u64,
}

async fn use_it(users: &Table<User>, shop: &Table<Shop>) -> Result<Option<String>, Error> {
    let user = users.get("u_1").not_before_version(3).send().await?;
    users.update("u_1").add(|user| user.logins, 1).condition(|user| user.plan.eq("free")).send().await?;
    users.query("u_1").filter(|user| user.pk.begins_with("USER#")).send().await?;
    users.index(|indexes| indexes.by_plan).query("free").send().await?;
    let usage: Option<Usage> = users.view::<Usage>("u_1").send().await?;
    shop.of::<User>().delete("u_1").send().await?;
    shop.of::<Order>().delete("o_1").send().await?;
    Ok(user.map(|user| user.email).or(usage.map(|usage| usage.plan)))
}

fn main() {}
