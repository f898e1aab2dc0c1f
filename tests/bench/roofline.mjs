export const rooflineSvg = () => '<svg/>';
