import { useEffect, useState } from "react";
import type {} from "slipway-upload/react";
import { loadSettings } from "./settings";

export function App() {
  const [api, setApi] = useState<string>();
  const [accessToken, setAccessToken] = useState<string>();
  const [received, setReceived] = useState<string[]>([]);

  useEffect(() => {
    loadSettings().then(({ apiUrl }) => setApi(apiUrl));
  }, []);

  return (
    <>
      <h1>Hand in your report</h1>
      <slipway-upload
        api={api}
        accessToken={accessToken}
        accept=".txt,.pdf"
        drop-target="document"
        onuploaded={({ detail: { key } }) => setReceived((keys) => [...keys, key])}
        onunauthorized={async () => setAccessToken((await loadSettings()).accessToken)}
      />
      <ul id="received">
        {received.map((key) => (
          <li key={key}>{key}</li>
        ))}
      </ul>
    </>
  );
}
