//! Ten thousand files in one pick. The figures are printed, since they depend on the machine and on how
//! the page was built; what is asserted holds on every machine.

use anyhow::{Context, Result, ensure};
use e2e::{REPORT_WORKER_MEMORY, Scenario, devtools, met, metric, wait_until, with_scenario};
use serde_json::{Value, json};

const FILES: u64 = 10_000;

/// How many of them are awaited.
const WATCHED: u64 = 300;

/// More rows than any screen shows.
const MOST_ROWS: u64 = 60;

/// Watches the main thread for tasks of more than 50 ms (W3C Long Tasks API).
const WATCH: &str = "
    window.longTasks = [];
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longTasks.push(Math.round(duration));
    }).observe({ type: 'longtask' });";

/// Makes the files, which is not the page's work.
const MAKE: &str = "
    const transfer = new DataTransfer();
    for (let number = 0; number < arguments[0]; number += 1) {
        transfer.items.add(new File([`file ${number}`], `measurement ${number}.csv`, { type: 'text/csv' }));
    }
    window.made = transfer.files;";

/// Picks them, and returns how many milliseconds the page's handler took.
const PICK: &str = "
    const picker = document.getElementById('file-picker');
    picker.files = made;
    window.made = null;
    const start = performance.now();
    picker.dispatchEvent(new Event('change'));
    return Math.round(performance.now() - start);";

/// Shows the files of the batch, and reads what is there now: the rows, the counts that the page shows, and the long
/// tasks so far. The row of the batch counts, too.
const LOOK: &str = "
    document.querySelector('.batch-row [aria-expanded=false]')?.click();
    const rows = document.querySelectorAll('[data-file-id]');
    return {
        rows: rows.length,
        files: Number(rows[0]?.getAttribute('aria-setsize')) - 1,
        stored: Number(document.querySelectorAll('.filter-count')[2]?.textContent.replaceAll(/\\D/g, '')),
        long_tasks: longTasks,
    };";

async fn look(scenario: &Scenario) -> Result<Value> {
    Ok(scenario.client().execute(LOOK, Vec::new()).await?)
}

/// Seconds that the main thread has spent in tasks since the page was opened (Chromium's metric
/// `TaskDuration`), and the bytes of its JavaScript heap in use after a collection. WebAssembly's memory
/// is not part of that.
async fn metrics(scenario: &Scenario) -> Result<(f64, f64)> {
    let client = scenario.client();
    devtools(client, "HeapProfiler.collectGarbage", json!({})).await?;
    let answer = devtools(client, "Performance.getMetrics", json!({})).await?;
    Ok((
        metric(&answer, "TaskDuration")?,
        metric(&answer, "JSHeapUsedSize")?,
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_need_one_screenful_of_rows() -> Result<()> {
    with_scenario(async |scenario| {
        scenario.run_before_workers(REPORT_WORKER_MEMORY);
        scenario.open_page().await?;
        let client = scenario.client();
        devtools(client, "Performance.enable", json!({})).await?;
        client.execute(MAKE, vec![json!(FILES)]).await?;
        client.execute(WATCH, Vec::new()).await?;
        // The worker answers once it has started.
        let worker_before = scenario.browser().worker_memory().await?;
        let (busy_before, heap_before) = metrics(scenario).await?;

        let picking = client.execute(PICK, Vec::new()).await?;
        let listed = wait_until("the list to show all files", async || {
            let look = look(scenario).await?;
            met(look["files"] == FILES, look)
        })
        .await?;
        let (busy, heap) = metrics(scenario).await?;
        let rows = listed["rows"].as_u64().context("a count")?;
        ensure!((1..MOST_ROWS).contains(&rows), "{rows} rows");
        let worker = scenario.browser().worker_memory().await?;
        let a_file = (heap - heap_before + worker as f64 - worker_before as f64) / FILES as f64;
        println!("until the list shows {FILES} files:");
        println!("  the handler of the pick        {picking} ms");
        println!(
            "  main thread busy               {:.0} ms",
            (busy - busy_before) * 1000.0
        );
        println!("  tasks over 50 ms               {}", listed["long_tasks"]);
        println!("  memory a file, page and worker {a_file:.0} bytes");

        client.execute("longTasks.length = 0;", Vec::new()).await?;
        let stored = wait_until("some to be stored", async || {
            let look = look(scenario).await?;
            met(look["stored"].as_u64() >= Some(WATCHED), look)
        })
        .await?;
        let (busy_after, _) = metrics(scenario).await?;
        println!("until {} of them are stored:", stored["stored"]);
        println!(
            "  main thread busy               {:.0} ms",
            (busy_after - busy) * 1000.0
        );
        println!("  tasks over 50 ms               {}", stored["long_tasks"]);
        let rows = stored["rows"].as_u64().context("a count")?;
        ensure!((1..MOST_ROWS).contains(&rows), "{rows} rows");
        ensure!(scenario.stored_files()?.len() as u64 >= WATCHED);
        Ok(())
    })
    .await
}
