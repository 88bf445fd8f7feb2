import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type {
  SlipwayUpload,
  SlipwayUploadAttributes,
  SlipwayUploadHandlers,
  SlipwayUploadProperties,
} from "slipway-upload";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "slipway-upload": DetailedHTMLProps<HTMLAttributes<SlipwayUpload>, SlipwayUpload> &
        SlipwayUploadAttributes &
        SlipwayUploadHandlers &
        Partial<SlipwayUploadProperties>;
    }
  }
}
