//! The code of docs/guide/reading.md.

use envelope_dynamo::{Envelope, Error, ResumeToken, Table, View};

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "by-ward", partition_key = ward, sort_key = minutes)
)]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    day: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    minutes: u32,
}

async fn query_and_scan(visits: Table<Visit>, token: Option<ResumeToken>) -> Result<(), Error> {
    let march = visits.query("p_1").sort(|day| day.begins_with("2026-03-"));
    let march: Vec<Visit> = march.send().await?;

    let north = visits.index(|indexes| indexes.by_ward).query("north");
    let longest_first = north.sort(|minutes| minutes.gt(30_u32)).descending().send().await?;

    let long = visits.scan().segments(4).filter(|visit| visit.minutes.gt(30)).limit(100);
    let mut records = long.resume(token).stream()?;
    while let Some(visit) = records.next().await {
        match visit {
            Ok(visit) => println!("{}", visit.notes),
            // One record, and the stream goes on; or a page, and the stream ends.
            Err(error) => eprintln!("{error}"),
        }
    }
    let token: Option<ResumeToken> = records.resume_token();

    drop((march, longest_first, token));
    Ok(())
}

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    logins: u64,
}

#[derive(View)]
#[view(of = User)]
struct Usage {
    logins: u64,
}

async fn view(users: Table<User>) -> Result<(), Error> {
    let usage: Option<Usage> = users.view::<Usage>("u_1").send().await?;
    let all: Vec<Usage> = users.scan().views()?.try_collect().await?;
    drop((usage, all));
    Ok(())
}
