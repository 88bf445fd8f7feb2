import { defineSlipwayUpload } from "slipway-upload";
import type {} from "slipway-upload/vue";
import { createApp } from "vue";
import App from "./App.vue";

defineSlipwayUpload("/slipway/");
createApp(App).mount("#app");
