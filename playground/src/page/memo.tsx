// Views that are drawn again only where there is something new to them.
import { Component, type ComponentType } from "preact";

/** A view that stays as it is while its properties are the same. Contexts that it reads draw it all the same. */
export function memo<Props extends object>(View: ComponentType<Props>): ComponentType<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return isOther(this.props as Props, next);
    }

    override render() {
      return <View {...(this.props as Props)} />;
    }
  };
}

function isOther<Props extends object>(before: Props, next: Props): boolean {
  const names = Object.keys(next) as (keyof Props)[];
  return names.length !== Object.keys(before).length || names.some((name) => before[name] !== next[name]);
}
