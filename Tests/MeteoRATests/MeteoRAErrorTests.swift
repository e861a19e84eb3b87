import Foundation
import MeteoRA
import Testing

@Suite("The errors of a MeteoRA model")
struct MeteoRAErrorTests {
  /// Ends a line, moves the cursor, colours the text, and is invisible.
  private static let hostile = "a\nb\r\u{1B}[31mc\u{7}\u{0}d\u{85}\u{2028}e\u{202E}f"

  static let errors: [MeteoRAError] = [
    .inaccessible(path: hostile, reason: hostile),
    .unsupported(file: hostile, field: hostile, found: hostile, supported: "x"),
    .invalid(file: hostile, field: hostile, found: hostile, expected: "x"),
    .pattern(file: hostile, field: "target_modules", pattern: hostile, problem: "is long"),
    .ambiguousPatterns(file: hostile, module: hostile, today: "rank 1", before: "rank 2"),
    .unexpectedTensor(file: hostile, tensor: hostile, reason: "is left"),
    .missingLayers(file: hostile, layers: 0...1), .missingLayers(file: hostile, layers: 2...2),
    .baseDiffers(file: hostile, tensor: hostile, base: hostile),
    .nonFiniteGate(file: hostile, tensor: hostile, element: 3),
    .unknownAdapter(name: hostile, known: [hostile, hostile]), .duplicateAdapter(name: hostile),
    .disabledAdapter(name: hostile), .adapterWithoutGate(name: hostile),
    .noAllowedAdapter(known: [hostile]), .tooFewAllowed(topK: 2, allowed: [hostile]),
    .moduleWithoutGate(adapter: hostile, module: "layers.0"), .gatedMerge(model: hostile),
    .mergeOverflow(file: hostile, tensor: hostile, element: 1, value: 7e4, type: "F16"),
    .mixedStopString(index: 1, token: hostile),
    .missingGates(adapters: [hostile, hostile]), .notRouted(model: hostile),
    .kernel(context: hostile, .outOfRange(argument: "x", actual: "1", allowed: "2")),
    .cancelled(path: hostile), .file(.notFound(path: hostile)),
    .llama(.invalid(file: hostile, field: hostile, found: hostile, expected: "x")),
    .llama(.cancelled(path: hostile)),
    .safetensors(.tensorNotFound(file: hostile, tensor: hostile)),
  ]

  @Test("it says the same where Foundation asks", arguments: errors)
  func isLocalized(error: MeteoRAError) {
    #expect((error as any Error).localizedDescription == error.description)
  }

  @Test(
    "it is one line without control characters, whatever a file or name holds", arguments: errors)
  func isPrintable(error: MeteoRAError) {
    let text = error.description
    #expect(text.contains("a\\u{A}b"))
    #expect(
      text.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
      })
  }
}
