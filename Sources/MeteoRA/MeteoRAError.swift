import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers

/// A reason why adapters, gates or a bundle cannot be loaded or used.
public enum MeteoRAError: Error, Equatable, Sendable {
  /// The base model, or one of its files.
  case llama(LlamaError)
  /// A JSON file cannot be read or breaks its format, or a field has the wrong type.
  case json(JSONError)
  /// A safetensors file cannot be taken, or lacks a tensor of the shape asked for.
  case safetensors(SafetensorsError)
  /// The tokenizer of the base model cannot be taken.
  case tokenizer(TokenizerError)
  /// A file or folder cannot be read, written or made.
  case file(FileAccessError)
  /// A file or folder that has to be there cannot be read or written.
  case inaccessible(path: String, reason: String)
  /// A setting is valid, and not built here.
  case unsupported(file: String, field: String, found: String, supported: String)
  /// A setting contradicts another or is out of range.
  case invalid(file: String, field: String, found: String, expected: String)
  /// A pattern of an adapter configuration is no regular expression, is too large, or has a part
  /// that is not read here.
  case pattern(file: String, field: String, pattern: String, problem: String)
  /// Releases of PEFT find different ranks or alphas for a module in `rank_pattern` and
  /// `alpha_pattern`, and the configuration does not say which of them trained the adapter.
  case ambiguousPatterns(file: String, module: String, today: String, before: String)
  /// An adapter file holds a tensor that its configuration, or this base, has no place for.
  case unexpectedTensor(file: String, tensor: String, reason: String)
  /// A file or folder holds nothing of layers that the configuration asks for.
  case missingLayers(file: String, layers: ClosedRange<Int>)
  /// A tensor of the checkpoint is not that of the base model's folder.
  case baseDiffers(file: String, tensor: String, base: String)
  /// A gate holds an infinity or NaN.
  case nonFiniteGate(file: String, tensor: String, element: Int)
  /// No adapter has this name.
  case unknownAdapter(name: String, known: [String])
  /// An adapter that the model has, but that was disabled.
  case disabledAdapter(name: String)
  /// An adapter that was added without a row in the gates cannot be routed to.
  case adapterWithoutGate(name: String)
  /// A selection leaves the gates no adapter to choose.
  case noAllowedAdapter(known: [String])
  /// A selection leaves the gates fewer adapters than a token takes.
  case tooFewAllowed(topK: Int, allowed: [String])
  /// An adapter that is added changes a module that no other adapter changes, so that there is no
  /// gate to add its row to.
  case moduleWithoutGate(adapter: String, module: String)
  /// A model whose gates choose adapters per token cannot be merged into one set of weights.
  case gatedMerge(model: String)
  /// A merged weight is infinite or NaN, or becomes so in the type that it is to have.
  case mergeOverflow(file: String, tensor: String, element: Int, value: Float, type: String)
  /// A trained weight is infinite or NaN, or becomes so in the type that it is written in.
  case trainedOverflow(file: String, tensor: String, element: Int, value: Float, type: String)
  /// Two adapters have this name.
  case duplicateAdapter(name: String)
  /// Several adapters need gates to choose among them.
  case missingGates(adapters: [String])
  /// Routing is asked for where no gates choose among adapters: of a model without any, or in
  /// another mode than ``MeteoRAModel/Mode/routed``.
  case notRouted(model: String)
  /// A prompt has more or fewer given adapters than tokens.
  case givenAdapterCount(prompt: Int, adapters: Int, tokens: Int)
  /// The adapter of a token is to be another one, in a generation that chooses them itself.
  case adaptersNotGiven
  /// A stop string has no byte, so that every text holds it.
  case emptyStopString(index: Int)
  /// A stop string holds a special token, which adds nothing to a text, and text beside it.
  case mixedStopString(index: Int, token: String)
  /// A kernel refuses what it was given.
  case kernel(context: String, KernelError)
  /// The caller stopped what was under way; nothing is left of it.
  case cancelled(path: String)
}

extension MeteoRAError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .llama(let error): "\(error)"
    case .json(let error): "\(error)"
    case .safetensors(let error): "\(error)"
    case .tokenizer(let error): "\(error)"
    case .file(let error): "\(error)"
    case .inaccessible(let path, let reason): "\(shown(path)): \(printable(reason, limit: 1024))"
    case .unsupported(let file, let field, let found, let supported):
      "\(shown(file)): \(printable(field)) is \(printable(found)), which is not supported; "
        + "supported: \(supported)"
    case .invalid(let file, let field, let found, let expected):
      "\(shown(file)): \(printable(field)) is \(printable(found)), expected \(expected)"
    case .pattern(let file, let field, let pattern, let problem):
      "\(shown(file)): \(field) '\(printable(pattern))' \(problem)"
    case .ambiguousPatterns(let file, let module, let today, let before):
      "\(shown(file)): rank_pattern and alpha_pattern give \(printable(module)) \(today) in PEFT 0.15 and "
        + "later and \(before) in older releases, expected a peft_version of 0.15 or later, or "
        + "patterns on which all agree"
    case .unexpectedTensor(let file, let tensor, let reason):
      "\(shown(file)): tensor '\(printable(tensor))' \(reason)"
    case .missingLayers(let file, let layers):
      layers.count == 1
        ? "\(shown(file)): no tensor of layer \(layers.lowerBound) is there, expected those that "
          + "the configuration asks for"
        : "\(shown(file)): no tensor of layers \(layers.lowerBound) to \(layers.upperBound) is there, "
          + "expected those that the configuration asks for"
    case .baseDiffers(let file, let tensor, let base):
      "\(shown(file)): tensor '\(printable(tensor))' differs from that of the base model in "
        + shown(base)
    case .nonFiniteGate(let file, let tensor, let element):
      "\(shown(file)): element \(element) of tensor '\(printable(tensor))' is infinite or NaN, "
        + "expected finite gates"
    case .unknownAdapter(let name, let known):
      "no adapter is named '\(printable(name))'; the model has \(list(known))"
    case .disabledAdapter(let name):
      "adapter '\(printable(name))' is disabled, expected one that is enabled"
    case .adapterWithoutGate(let name):
      "adapter '\(printable(name))' was added without a row in the gates, so they cannot choose it; "
        + "expected one that has a row, or to run it alone"
    case .noAllowedAdapter(let known):
      "no adapter is left to choose among; expected at least one of \(list(known))"
    case .tooFewAllowed(let topK, let allowed):
      "the router takes \(topK) adapters for every token, but may choose among \(list(allowed)) only; "
        + "expected a router top-k of at most \(allowed.count)"
    case .moduleWithoutGate(let adapter, let module):
      "adapter '\(printable(adapter))' changes \(module), which no other adapter of the model "
        + "changes, so that there is no gate to add a row to; expected a module that routes"
    case .gatedMerge(let model):
      "\(shown(model)): gates choose its adapters for every token, which no merged weights can do; "
        + "expected one adapter without gates"
    case .mergeOverflow(let file, let tensor, let element, let value, let type):
      "\(shown(file)): element \(element) of tensor '\(printable(tensor))' with the adapter merged is "
        + "\(value)"
        + (value.isFinite
          ? ", which \(type) does not hold; F32 does" : ", expected a finite number")
    case .trainedOverflow(let file, let tensor, let element, let value, let type):
      "\(shown(file)): element \(element) of the trained tensor '\(printable(tensor))' is \(value)"
        + (value.isFinite
          ? ", which \(type) does not hold; F32 does" : ", expected a finite number")
    case .duplicateAdapter(let name): "two adapters are named '\(printable(name))'"
    case .missingGates(let adapters):
      adapters.count == 1
        ? "adapter \(list(adapters)) has no gates; expected a gates file or a checkpoint"
        : "\(adapters.count) adapters (\(list(adapters))) have no gates to choose among them; "
          + "expected a gates file or a checkpoint"
    case .notRouted(let model):
      "\(shown(model)): no gates choose among adapters, so there is no routing; expected a model "
        + "with gates, in its routed mode"
    case .givenAdapterCount(let prompt, let adapters, let tokens):
      "prompt \(prompt) has \(tokens) tokens, and \(adapters) adapters are given for them; expected "
        + "one for each token"
    case .adaptersNotGiven:
      "the adapters of this generation's tokens are not given, so they cannot be switched; expected "
        + "one that began with assigned prompts"
    case .emptyStopString(let index):
      "stop string \(index) is empty, expected at least one character"
    case .mixedStopString(let index, let token):
      "stop string \(index) holds the special token '\(printable(token))', which adds nothing to a "
        + "text, beside other text; expected the token alone, or text without it"
    case .kernel(let context, let error): "\(shown(context)): \(error)"
    case .cancelled(let path): "\(shown(path)): stopped before it was complete, nothing was written"
    }
  }
}

/// A path in a message; it may hold any byte, but a message is one line.
private func shown(_ path: String) -> String { printable(path, limit: 1024) }

/// Names of adapters in a message.
private func list(_ names: [String]) -> String {
  names.isEmpty ? "none" : names.map { printable($0) }.joined(separator: ", ")
}

extension MeteoRAError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
