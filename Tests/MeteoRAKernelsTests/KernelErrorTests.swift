import MeteoRAKernels
import Testing

@Suite("Kernel errors")
struct KernelErrorTests {
  static let messages: [(KernelError, String)] = [
    (
      .elementCount(argument: "x", expected: 6, actual: 5),
      "x has 5 elements, its shape asks for 6"
    ),
    (
      .dimensionMismatch(argument: "columns of lora_B", expected: 2, actual: 3),
      "columns of lora_B is 3, expected 2"
    ),
    (
      .outOfRange(argument: "threads", actual: "0", allowed: "1...1024"),
      "threads is 0, allowed is 1...1024"
    ),
    (
      .invalidSelection(token: 4, adapter: 9, adapterCount: 3),
      "token 4 selects adapter 9 of 3, or selects it twice"
    ),
    (
      .invalidDimension(argument: "x", shape: [-1, 3], maximum: 9),
      "x is of shape [-1, 3], every dimension must be in 0...9"
    ),
    (
      .tooManyElements(argument: "y", shape: [4, 2], maximum: 7),
      "y is of shape [4, 2], allowed are at most 7 elements"
    ),
  ]

  @Test("it says in one sentence what was found and what was wanted", arguments: messages)
  func describes(error: KernelError, text: String) {
    #expect(error.description == text)
  }
}
