// Sends prepared requests for some time, as many at once to each server as a browser sends, and returns how many files
// were stored.
async (way, size, requests, milliseconds) => {
    const PARALLEL = 6;
    const end = performance.now() + milliseconds;
    let stored = 0;
    const body = (number) => new Blob([String(number).padStart(8, '0').repeat(size / 8)]);
    const send = {
        put({ url, headers, number }, request) {
            request.open('PUT', url);
            for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
            request.send(body(number));
        },
        post({ url, fields, number }, request) {
            const form = new FormData();
            for (const [name, value] of Object.entries(fields)) form.append(name, value);
            form.append('file', body(number));
            request.open('POST', url);
            request.send(form);
        },
    }[way];
    const answered = (prepared) => new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.onload = () => (request.status < 300 ? resolve() : reject(new Error(request.responseText)));
        request.onerror = () => reject(new Error('S3 did not answer'));
        send(prepared, request);
    });
    const work = async (queue) => {
        for (const prepared of queue) {
            await answered(prepared);
            if (performance.now() > end) return;
            stored += 1;
        }
    };
    const queues = requests.map((some) => some.values());
    await Promise.all(queues.flatMap((queue) => Array.from({ length: PARALLEL }, () => work(queue))));
    return stored;
}
