//! A search continues where it stopped, also before, during and after a rotation.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::ResumeToken;
use envelope_dynamo::error::UsageError;
use envelope_tests::Secret;

use super::*;

/// Reads `count` records of the users called Smith.
async fn page(users: &Table<User>, count: usize, from: Option<ResumeToken>) -> Page {
    let query = users.index(|i| i.by_name).query("smith").page_size(3).limit(count);
    let mut records = query.resume(from).stream().unwrap();
    let read = records.try_collect().await.unwrap();
    let token = records.resume_token().map(|token| token.to_string().parse().unwrap());
    Page { read, token }
}

struct Page {
    read: Vec<User>,
    token: Option<ResumeToken>,
}

#[tokio::test]
async fn a_search_resumes_after_any_record() {
    let bench = Bench::with(&namesakes(20)[..9]).await;
    bench.put(2, &namesakes(20)[9..]).await;
    let users = bench.table::<User>(rotating(1, 2));
    for first in 0..=20 {
        let Page { mut read, token } = page(&users, first, None).await;
        assert!(token.is_some() || first == 20, "{first}");
        if token.is_some() {
            let rest = page(&users, 100, token).await;
            read.extend(rest.read);
            assert!(rest.token.is_none());
        }
        assert_eq!(read, namesakes(20), "{first}");
    }
    // Page by page, with a token each.
    let (mut read, mut token) = (Vec::new(), None);
    loop {
        let next = page(&users, 3, token).await;
        read.extend(next.read);
        token = next.token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(read, namesakes(20));
}

/// Every search before and after a change of the keys: a record that stays may be repeated, and is
/// never skipped.
#[tokio::test]
async fn no_record_that_stays_is_skipped_when_keys_come_and_go() {
    let stays = namesakes(12);
    let bench = Bench::with(&stays[..6]).await;
    bench.put(2, &stays[6..]).await;
    let before = bench.table::<User>(only(1));
    let during = bench.table::<User>(rotating(1, 2));
    let after = bench.table::<User>(only(2));
    let is_in = |user: &User, read: &[User]| read.contains(user);
    for first in 0..=6 {
        // The key is rotated between two pages.
        let Page { mut read, token } = page(&before, first, None).await;
        if let Some(token) = token {
            read.extend(page(&during, 100, Some(token)).await.read);
            assert_eq!(read, stays, "each record exactly once: {first}");
        }
    }
    for first in 0..12 {
        // The old key is retired between two pages. All records were moved before.
        let Page { read, token } = page(&during, first, None).await;
        let rest = page(&after, 100, token).await.read;
        let of_new = |user: &&User| user.created >= 6;
        assert!(stays.iter().filter(of_new).all(|user| is_in(user, &read) || is_in(user, &rest)));
    }
}

/// A rotation is cancelled between two pages: then records move the other way.
#[tokio::test]
async fn no_record_is_skipped_when_a_rotation_is_cancelled() {
    let stays = namesakes(10);
    let bench = Bench::with(&stays[..5]).await;
    bench.put(2, &stays[5..]).await;
    let during = bench.table::<User>(rotating(1, 2));
    let cancelled = bench.table::<User>(rotating(2, 1));
    for first in 0..10 {
        let Page { mut read, token } = page(&during, first, None).await;
        read.extend(page(&cancelled, 100, token).await.read);
        assert_eq!(by_id(read), stays, "{first}");
    }
}

/// The rotation goes on while somebody turns the pages: what is read late was moved meanwhile.
#[tokio::test]
async fn records_that_move_between_pages_are_repeated_and_not_skipped() {
    for moved in 0..10 {
        let bench = Bench::with(&namesakes(10)).await;
        let users = bench.table::<User>(rotating(1, 2));
        let Page { read: first, token } = page(&users, 5, None).await;
        bench.put(2, &namesakes(10)[moved..=moved]).await;
        let Page { read: rest, token } = page(&users, 100, token).await;
        assert!(token.is_none());
        let all = by_id([first, rest].concat());
        let mut distinct = all.clone();
        distinct.dedup();
        assert_eq!(distinct, namesakes(10), "{moved}");
        assert_eq!(all.len(), if moved < 5 { 11 } else { 10 }, "repeated if it was read before");
    }
}

#[tokio::test]
async fn a_token_of_another_search_is_refused() {
    let bench = Bench::with(&namesakes(5)).await;
    let users = bench.users();
    let Page { token, .. } = page(&users, 2, None).await;
    let token = token.unwrap();
    let by_name = users.index(|i| i.by_name);
    let early = [
        by_name.query("smith").descending().resume(token.clone()).stream(),
        users.index(|i| i.by_email).query("x@y.z").resume(token.clone()).stream(),
        users.index(|i| i.by_plan).query("free").resume(token.clone()).stream(),
    ];
    for refused in early {
        assert!(is_foreign(&refused.unwrap_err()));
    }
    // Another value: it is noticed as soon as the keys are known, and before the table is asked.
    bench.faults.forget_calls();
    let error = by_name.query("jones").resume(token.clone()).send().await.unwrap_err();
    assert!(is_foreign(&error), "{error}");
    assert_eq!(bench.faults.calls("Query"), 0);
    // Another spelling of the value is the same search.
    let read = by_name.query(" SMITH ").resume(token).send().await.unwrap();
    assert_eq!(read, namesakes(5)[2..]);
}

fn is_foreign(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken))
}

/// The token has the tag, and no digest by which a value could be guessed without the search key.
#[tokio::test]
async fn a_token_tells_nothing_of_the_value() {
    const LONG: &str = "wolfeschlegelsteinhausen";
    let named = |id: &str| User { name: Some(LONG.to_owned()), ..user(id, "w") };
    let bench = Bench::with(&[named("u_1"), named("u_2")]).await;
    let users = bench.users();
    let mut records = users.index(|i| i.by_name).query(LONG).stream().unwrap();
    records.next().await.unwrap().unwrap();
    let token = records.resume_token().unwrap().to_string();
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&token).unwrap();
    assert_eq!(Secret::new(LONG).found_in(&String::from_utf8_lossy(&bytes)), None);
    // The digest of the query is behind the version. It is the same for every value, and at the
    // start there is nothing else in a token.
    let start = |name: &str| {
        let records = users.index(|i| i.by_name).query(name.to_owned()).stream().unwrap();
        records.resume_token().unwrap().to_string()
    };
    assert_eq!(start("smith"), start("jones"));
    let digest =
        |token: &str| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).unwrap()[1..17].to_vec();
    assert_eq!(digest(&token), digest(&start("jones")));
}
