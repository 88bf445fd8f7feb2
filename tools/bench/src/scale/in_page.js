// What the measuring program asks of the page while it uploads.
window.scale = (() => {
    const PATIENCE_MILLISECONDS = 60_000;
    let longestTask = 0;
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longestTask = Math.max(longestTask, duration);
    }).observe({ type: 'longtask' });

    const list = () => document.querySelector('.file-list');
    const rows = () => [...document.querySelectorAll('[data-file-id]')];
    const row = (id) => document.querySelector(`[data-file-id="${id}"]`);
    const filterButton = (place) => document.querySelectorAll('.filter')[place];
    const forAll = (action) => document.querySelector(`.totals [data-action=${action}]:not([hidden])`);
    const counts = () => Array.from(document.querySelectorAll('.filter-count'), (count) =>
        Number(count.textContent.replaceAll(/\D/g, '')));

    /** The milliseconds until a condition holds. */
    const until = (what, condition) => new Promise((resolve, reject) => {
        const start = performance.now();
        const look = () => {
            const time = performance.now() - start;
            if (condition()) resolve(time);
            else if (time > PATIENCE_MILLISECONDS) reject(new Error(`waited in vain for ${what}`));
            else setTimeout(look);
        };
        look();
    });

    const middleRow = () => {
        const { x, y, width, height } = list().getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2)?.closest('[data-file-id]');
    };

    /** Whether the row in the middle of the list stands where the list was scrolled to. */
    const isAt = (share) => {
        const middle = middleRow();
        return middle && Math.abs(middle.ariaPosInSet / middle.ariaSetSize - share) < 0.05;
    };

    const cancel = async (chosen) => {
        const { fileId } = chosen.dataset;
        chosen.querySelector('[data-action=cancel]:not([hidden])').click();
        return until('a file to be cancelled', () => row(fileId)?.dataset.state === 'cancelled');
    };

    return {
        look() {
            const [files = 0, unfinished = 0, stored = 0, attention = 0] = counts();
            const seen = { files, unfinished, stored, attention, rows: rows().length, longestTask };
            longestTask = 0;
            return seen;
        },
        /** The size in bytes of the worker's WebAssembly. */
        workerMemory: () => new Promise((resolve) => {
            const channel = new BroadcastChannel('memory');
            const ask = () => channel.postMessage('ask');
            // A worker that has not started yet misses the question.
            const asking = setInterval(ask, 1000);
            channel.onmessage = ({ data }) => {
                clearInterval(asking);
                channel.close();
                resolve(data);
            };
            ask();
        }),
        async openBatch() {
            const toggle = () => document.querySelector('.batch-row [aria-expanded=false]');
            const time = await until('a batch', toggle);
            toggle().click();
            return time + await until('its files', () => document.querySelector('.file-row.inside'));
        },
        scrollTo(share) {
            list().scrollIntoView();
            list().scrollTop = share * (list().scrollHeight - list().clientHeight);
            return until(`the rows at ${share}`, () => isAt(share));
        },
        showStored() {
            filterButton(2).click();
            const areStored = () => rows().length > 0 && rows().every(({ dataset }) => dataset.state === 'stored');
            return until('only stored files', () => filterButton(2).ariaPressed === 'true' && areStored());
        },
        showAll() {
            filterButton(0).click();
            return until('all files', () => rows()[0]?.ariaSetSize >= counts()[0]);
        },
        cancelLast: () => cancel(rows().at(-1)),
        cancelNamed: (name) => cancel(rows().find((row) => row.querySelector('.file-name').title === name)),
        pauseAll() {
            forAll('pauseAll').click();
            return until('the files to be paused', () => forAll('resumeAll'));
        },
        resumeAll() {
            forAll('resumeAll').click();
            return until('the files to go on', () => !forAll('resumeAll') && forAll('pauseAll'));
        },
    };
})();
