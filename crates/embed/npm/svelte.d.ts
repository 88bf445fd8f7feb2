import type {
  SlipwayUpload,
  SlipwayUploadAttributes,
  SlipwayUploadHandlers,
  SlipwayUploadProperties,
} from "slipway-upload";
import type { HTMLAttributes } from "svelte/elements";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "slipway-upload": Omit<HTMLAttributes<SlipwayUpload>, keyof SlipwayUploadHandlers> &
      SlipwayUploadAttributes &
      SlipwayUploadHandlers &
      Partial<SlipwayUploadProperties>;
  }
}
