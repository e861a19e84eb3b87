/// A colour of 8 bits a channel.
struct Color: Sendable, Equatable {
  var red: Int
  var green: Int
  var blue: Int

  /// - Parameters:
  ///   - hue: Turns, 0 ..< 1.
  ///   - saturation: 0 … 1.
  ///   - lightness: 0 … 1.
  init(hue: Double, saturation: Double, lightness: Double) {
    // The usual conversion: each channel is a clipped triangle wave of the hue.
    let amplitude = saturation * min(lightness, 1 - lightness)
    func channel(_ offset: Double) -> Int {
      let k = (offset + hue * 12).truncatingRemainder(dividingBy: 12)
      let value = lightness - amplitude * max(-1, min(k - 3, 9 - k, 1))
      return Int((value * 255).rounded())
    }
    red = channel(0)
    green = channel(8)
    blue = channel(4)
  }

  /// A paint as opaque as `depth`, 0 … 1, on white.
  private init(_ paint: AdapterPalette.Paint, depth: Double) {
    func channel(_ value: Int) -> Int { 255 - Int((Double(255 - value) * depth).rounded()) }
    red = channel(paint.red)
    green = channel(paint.green)
    blue = channel(paint.blue)
  }

  /// Relative luminance of sRGB, 0 … 1, with the transfer function taken as a square.
  var luminance: Double {
    func linear(_ channel: Int) -> Double {
      let value = Double(channel) / 255
      return value * value
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// The nearest colour of xterm's 6 × 6 × 6 cube.
  var paletteIndex: Int {
    func level(_ channel: Int) -> Int {
      channel < 48 ? 0 : channel < 115 ? 1 : min(5, (channel - 35) / 40)
    }
    return 16 + 36 * level(red) + 6 * level(green) + level(blue)
  }

  /// The colour of an adapter, deeper for a higher share.
  ///
  /// The first ones have the hues of the page. A terminal has no lines of several styles below its
  /// text, so that the hues of the page would come again for others: those have hues of their own.
  ///
  /// - Parameters:
  ///   - adapter: Index; neighbours are far apart in hue.
  ///   - intensity: 0 … 1.
  static func adapter(_ adapter: Int, intensity: Float) -> Color {
    let depth = Double(max(0, min(1, intensity.isNaN ? 0 : intensity)))
    if AdapterPalette.bright.indices.contains(adapter) {
      return Color(AdapterPalette.bright[adapter], depth: 0.12 + 0.88 * depth)
    }
    let goldenRatio = 0.618_033_988_749_895
    let hue = (0.58 + Double(adapter) * goldenRatio).truncatingRemainder(dividingBy: 1)
    return Color(hue: hue, saturation: 0.45 + 0.4 * depth, lightness: 0.86 - 0.44 * depth)
  }
}
