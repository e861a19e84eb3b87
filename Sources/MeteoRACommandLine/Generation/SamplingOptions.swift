import MeteoRALlama

/// The options by which the next token is chosen, in the order in which they take effect.
enum SamplingOptions {
  static let repetitionPenalty = OptionDeclaration(
    "repetition-penalty", "X",
    "Divides the logits of tokens that prompt or answer hold, multiplies negative ones; above 0. "
      + "(default: 1, no penalty)")
  static let noRepeatNgramSize = OptionDeclaration(
    "no-repeat-ngram-size", "N",
    "No N tokens may follow each other twice in prompt and answer; 0 allows all. (default: 0)")
  static let temperature = OptionDeclaration(
    "temperature", "T",
    "Draws tokens by their logits divided by T; 0 takes the most likely one, and the options below "
      + "have no effect. (default: 0)")
  static let topK = OptionDeclaration(
    "top-k", "K", "Draws from the K most likely tokens; 0 allows all. (default: 0)")
  static let topP = OptionDeclaration(
    "top-p", "P",
    "Draws from the fewest most likely tokens that have the probability P together; above 0, at "
      + "most 1. (default: 1, all)")
  static let seed = OptionDeclaration(
    "seed", "N",
    "Chooses the random numbers; every prompt of a file draws as if alone. (default: 0)")

  static let group = OptionGroup(
    "Choice of tokens", [repetitionPenalty, noRepeatNgramSize, temperature, topK, topP, seed])

  /// What the arguments say; the rest is what it begins with.
  static func options(_ arguments: ParsedArguments) throws -> GenerationOptions {
    let counts = 0...Int(Int32.max)
    var options = GenerationOptions()
    if let penalty = try arguments.positiveFloat(repetitionPenalty) {
      options.repetitionPenalty = penalty
    }
    if let size = try arguments.integer(noRepeatNgramSize, in: counts) {
      options.noRepeatNgramSize = size
    }
    let value = try arguments.float(
      temperature, expected: "a number of at least 0, finite in binary32"
    ) {
      $0 >= 0
    }
    if let value { options.temperature = value }
    if let count = try arguments.integer(topK, in: counts) { options.topK = count }
    let probability = try arguments.float(topP, expected: "a number above 0 and at most 1") {
      $0 > 0 && $0 <= 1
    }
    if let probability { options.topP = probability }
    if let number = try arguments.unsigned(seed) { options.seed = number }
    // Who says 0 in so many words knows that nothing is drawn.
    let isForgotten = !arguments.isGiven(temperature)
    if isForgotten, let useless = [topK, topP, seed].first(where: arguments.isGiven) {
      throw UsageError(
        "option \(useless.spelling) has no effect without --temperature, as the most likely token is "
          + "taken; give a temperature too, or leave it out")
    }
    return options
  }
}
