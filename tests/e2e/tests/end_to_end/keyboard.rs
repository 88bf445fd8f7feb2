//! The page without a mouse, with a screen reader, and with the preferences that users set in their browsers.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use e2e::{Look, Page, Scenario, met, wait_until, with_page};
use fantoccini::{
    actions::{InputSource, KeyAction, KeyActions},
    key::Key,
};
use serde_json::{Value, json};

/// So slow that a file of some mebibytes stays in flight.
const SLOW_BYTES_PER_SECOND: u64 = 64 << 10;

/// More steps than there are places on the page.
const MOST_STEPS: usize = 60;

/// The element that has the focus: what it does and for which file or batch, and whether its focus can be seen.
const FOCUSED: &str = "
    const element = document.activeElement;
    const shown = element.matches('.visually-hidden') ? element.nextElementSibling : element;
    const { outlineStyle, outlineWidth } = getComputedStyle(shown);
    const row = element.closest('.file-row');
    return {
        is_row: element === row,
        file: row?.querySelector('.file-name').textContent ?? '',
        does: element.dataset.action ?? element.id,
        named: element.className,
        is_seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    };";

async fn focused(scenario: &Scenario) -> Result<Value> {
    let client = scenario.client();
    Ok(client.execute(FOCUSED, Vec::new()).await?)
}

/// The file whose row has the focus, and the action in that row.
async fn focus_of(scenario: &Scenario) -> Result<(String, String)> {
    let focused = focused(scenario).await?;
    let text = |name: &str| focused[name].as_str().unwrap_or_default().to_owned();
    Ok((text("file"), text("does")))
}

async fn press(scenario: &Scenario, key: Key) -> Result<()> {
    let value = char::from(key);
    let stroke = KeyActions::new("keyboard".to_owned())
        .then(KeyAction::Down { value })
        .then(KeyAction::Up { value });
    scenario.client().perform_actions(stroke).await?;
    Ok(())
}

/// Presses the tab key until this action of this file has the focus.
async fn tab_to(scenario: &Scenario, file: &str, action: &str) -> Result<()> {
    for _ in 0..MOST_STEPS {
        if focus_of(scenario).await? == (file.to_owned(), action.to_owned()) {
            return Ok(());
        }
        press(scenario, Key::Tab).await?;
    }
    anyhow::bail!("the tab key does not lead to {action} of {file}")
}

async fn wait_for_focus(scenario: &Scenario, file: &str, action: &str) -> Result<()> {
    wait_until(&format!("the focus on {action} of {file}"), async || {
        let focus = focus_of(scenario).await?;
        met(
            focus == (file.to_owned(), action.to_owned()),
            format!("it is on {focus:?}"),
        )
    })
    .await
    .map(drop)
}

/// Picks two files that stay in flight.
async fn two_slow_files(scenario: &Scenario, page: &Page) -> Result<()> {
    let controls = scenario.controls();
    controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
    let files = [
        scenario.files.add("first.bin", 9 << 20)?,
        scenario.files.add("second.bin", 9 << 20)?,
    ];
    page.pick(&files).await?;
    page.wait_for("both to be sent", |rows| {
        let sending = rows.iter().filter(|row| row.state == "sending").count();
        (sending == 2).then_some(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tab_key_reaches_everything_and_its_focus_is_visible() -> Result<()> {
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        let mut reached = BTreeSet::new();
        for _ in 0..MOST_STEPS {
            press(scenario, Key::Tab).await?;
            let focused = focused(scenario).await?;
            let text = |name: &str| focused[name].as_str().unwrap_or_default().to_owned();
            if text("does").is_empty() && text("named").is_empty() {
                break;
            }
            ensure!(focused["is_seen"] == true, "nothing shows the focus of {focused}");
            let does = if text("does").is_empty() {
                text("named")
            } else {
                text("does")
            };
            reached.insert(format!("{} {does}", text("file")).trim().to_owned());
        }
        let expected = [
            "language",
            "file-picker",
            "folder-picker",
            "pauseAll",
            "cancelAll",
            "filter",
            "file-list",
            "2 files files",
            "2 files pause",
            "2 files cancel",
            "first.bin pause",
            "first.bin cancel",
            "second.bin pause",
            "second.bin cancel",
        ];
        let missing: Vec<_> = expected
            .into_iter()
            .filter(|place| !reached.contains(*place))
            .collect();
        ensure!(
            missing.is_empty(),
            "not reached: {missing:?}; reached: {reached:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_stays_where_a_user_works_while_rows_change_and_go() -> Result<()> {
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        tab_to(scenario, "first.bin", "pause").await?;
        press(scenario, Key::Enter).await?;
        wait_for_focus(scenario, "first.bin", "resume").await?;
        press(scenario, Key::Enter).await?;
        wait_for_focus(scenario, "first.bin", "pause").await?;
        press(scenario, Key::Tab).await?;
        press(scenario, Key::Enter).await?;
        wait_for_focus(scenario, "first.bin", "retry").await?;
        tab_to(scenario, "first.bin", "remove").await?;
        press(scenario, Key::Enter).await?;
        // Its row is gone, and the next one has taken its place.
        wait_for_focus(scenario, "second.bin", "").await?;
        tab_to(scenario, "second.bin", "cancel").await?;
        press(scenario, Key::Enter).await?;
        wait_for_focus(scenario, "second.bin", "retry").await?;
        tab_to(scenario, "second.bin", "remove").await?;
        press(scenario, Key::Enter).await?;
        wait_for_focus(scenario, "", "file-picker").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_pressed_is_at_least_44_pixels_wide_and_high() -> Result<()> {
    const MEASURE: &str = "
        const all = document.querySelectorAll('button, select, label.button, a:not(.file-error a)');
        const shown = Array.from(all).filter((element) => element.getClientRects().length > 0);
        const small = shown.filter((element) => {
            const { width, height } = element.getBoundingClientRect();
            return width < 44 || height < 44;
        });
        return { shown: shown.length, small: small.map((element) => element.outerHTML) };";
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        let client = scenario.client();
        for look in [Look::WIDE, Look::NARROW] {
            look.show(client).await?;
            let measured = client.execute(MEASURE, Vec::new()).await?;
            ensure!(measured["shown"].as_u64() > Some(10), "{measured}");
            ensure!(measured["small"] == json!([]), "{:#}", measured["small"]);
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_reader_announces_the_end_and_not_each_percent() -> Result<()> {
    const LISTEN: &str = "
        window.said = [];
        const listen = (records) => {
            for (const { target } of records) {
                const region = (target.closest ?? target.parentElement.closest).call(
                    target.closest ? target : target.parentElement, '[role=status], [aria-live]');
                const text = region?.textContent.trim();
                if (text && said.at(-1) !== text) said.push(text);
            }
        };
        const options = { childList: true, characterData: true, subtree: true };
        new MutationObserver(listen).observe(document.body, options);";
    with_page(async |scenario, page| {
        let client = scenario.client();
        client.execute(LISTEN, Vec::new()).await?;
        let controls = scenario.controls();
        controls.set_s3_bytes_per_second(Some(SLOW_BYTES_PER_SECOND));
        // More than the network's buffers take at once.
        let file = scenario.files.add("watched.bin", 15 << 20)?;
        page.pick(&[file]).await?;
        let mut steps = BTreeSet::new();
        page.wait_for("the file to be at several percentages", |rows| {
            steps.insert(format!("{:?}", rows.first()?.progress));
            (steps.len() > 3).then_some(())
        })
        .await?;
        controls.set_s3_bytes_per_second(None);
        page.wait_until_stored(1).await?;
        let said = wait_until("the end to be announced", async || {
            let said = client.execute("return said;", Vec::new()).await?;
            let said: Vec<String> = serde_json::from_value(said)?;
            met(said.iter().any(|text| text.starts_with("Finished")), said)
        })
        .await?;
        ensure!(said.len() <= 2, "too much was announced: {said:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_for_users_who_prefer_reduced_motion() -> Result<()> {
    const MOVING: &str = "
        return Array.from(document.querySelectorAll('*')).filter((element) => {
            const { transitionDuration, animationName } = getComputedStyle(element);
            return transitionDuration !== '0s' || animationName !== 'none';
        }).length;";
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        let client = scenario.client();
        let moving = async |features| {
            Look {
                features,
                ..Look::WIDE
            }
            .show(client)
            .await?;
            let count = client.execute(MOVING, Vec::new()).await?;
            count.as_u64().context("a count")
        };
        ensure!(moving(&[("prefers-reduced-motion", "no-preference")]).await? > 0);
        ensure!(moving(&[("prefers-reduced-motion", "reduce")]).await? == 0);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn states_can_be_distinguished_in_forced_colours() -> Result<()> {
    const COLOURS: &str = "
        const colours = (selector) => {
            const { backgroundColor, color } = getComputedStyle(document.querySelector(selector));
            return `${backgroundColor} ${color}`;
        };
        const bar = document.querySelector('.file-row progress');
        return {
            pressed: colours('.filter[aria-pressed=true]'),
            others: colours('.filter[aria-pressed=false]'),
            frame: getComputedStyle(bar).borderTopStyle,
            is_forced: matchMedia('(forced-colors: active)').matches,
        };";
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        let client = scenario.client();
        let forced = Look {
            features: &[("forced-colors", "active")],
            ..Look::WIDE
        };
        forced.show(client).await?;
        scenario.save_screenshot("forced-colours").await?;
        let colours = client.execute(COLOURS, Vec::new()).await?;
        ensure!(
            colours["is_forced"] == true,
            "the colours are the page's: {colours}"
        );
        ensure!(colours["pressed"] != colours["others"], "{colours}");
        ensure!(colours["frame"] == "solid", "{colours}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_scrolls_sideways_at_400_percent_or_with_large_text() -> Result<()> {
    const OVERFLOWS: &str = "
        document.documentElement.style.fontSize = arguments[0];
        const { scrollWidth, clientWidth } = document.scrollingElement;
        const outside = Array.from(document.querySelectorAll('body *'))
            .filter((element) => element.getClientRects().length > 0 && !element.closest('.visually-hidden'))
            .filter((element) => {
                const { left, right } = element.getBoundingClientRect();
                return left < 0 || right > clientWidth;
            });
        return outside.map((element) => element.className + element.outerHTML).join() || (scrollWidth > clientWidth ? 'wide' : '');";
    with_page(async |scenario, page| {
        two_slow_files(scenario, page).await?;
        let client = scenario.client();
        // 1280 CSS pixels at 400 % (WCAG 2.2, 1.4.10), and text of 200 % (1.4.4).
        for (width, text) in [(320, "100%"), (720, "200%"), (360, "150%")] {
            Look {
                width,
                ..Look::NARROW
            }
            .show(client)
            .await?;
            let overflow = client.execute(OVERFLOWS, vec![json!(text)]).await?;
            scenario.save_screenshot(&format!("{width}-{text}")).await?;
            ensure!(overflow == "", "{width} pixels, text of {text}: {overflow}");
        }
        Ok(())
    })
    .await
}
