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
      .shapeOverflow(argument: "y", shape: [.max, 2]),
      "y of shape [9223372036854775807, 2] has more elements than can be addressed"
    ),
  ]

  @Test("it says in one sentence what was found and what was wanted", arguments: messages)
  func describes(error: KernelError, text: String) {
    #expect(error.description == text)
  }
}
