import { createRoot } from "react-dom/client";
import { defineSlipwayUpload } from "slipway-upload";
import { App } from "./App";

defineSlipwayUpload("/slipway/");
createRoot(document.getElementById("app")!).render(<App />);
