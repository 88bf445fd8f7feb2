// Starts the uploader in a Web Worker. Its end of the channel comes as the first message, which
// may be before the WebAssembly is there.
import init, { serve } from "./worker.js";

self.onmessage = ({ data: port }) => {
  init().then(
    () => serve(port),
    (error) => {
      // Thrown outside the promise, so that the page receives an error event.
      setTimeout(() => {
        throw error;
      });
    },
  );
};
