import { defineSlipwayUpload } from "slipway-upload";
import type {} from "slipway-upload/svelte";
import { mount } from "svelte";
import App from "./App.svelte";

defineSlipwayUpload("/slipway/");
mount(App, { target: document.getElementById("app")! });
