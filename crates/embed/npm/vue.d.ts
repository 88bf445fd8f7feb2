import type { SlipwayUploadAttributes, SlipwayUploadEventMap, SlipwayUploadProperties } from "slipway-upload";
import type { DefineComponent, HTMLAttributes } from "vue";

type Handlers = {
  [Name in keyof SlipwayUploadEventMap as `on${Capitalize<Name>}`]?: (event: SlipwayUploadEventMap[Name]) => void;
};

declare module "vue" {
  interface GlobalComponents {
    "slipway-upload": DefineComponent<
      Omit<HTMLAttributes, keyof Handlers> & SlipwayUploadAttributes & Partial<SlipwayUploadProperties> & Handlers
    >;
  }
}
