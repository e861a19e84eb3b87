import MeteoRALlama
import MeteoRASafetensors

/// A linear module of a decoder layer.
struct ModulePlace: Hashable, Comparable {
  var layer: Int
  var module: LinearModule

  static func < (left: ModulePlace, right: ModulePlace) -> Bool {
    (left.layer, left.module.index) < (right.layer, right.module.index)
  }
}

/// What an adapter, gates or checkpoint file holds for linear modules:
/// `base_model.model.model.layers.{i}.{block}.{module}.{part}.weight`.
struct ModuleTensors {
  /// The kinds of tensors that a module can have there.
  enum Part: String, CaseIterable {
    case a = "lora_A"
    case b = "lora_B"
    case gate = "moe_gate"
  }

  private var tensors: [ModulePlace: [Part: SafetensorsTensor]] = [:]
  /// Tensors of other names.
  private(set) var others: [SafetensorsTensor] = []

  init(_ source: any SafetensorsSource) {
    for tensor in source.tensors {
      if let (place, part) = Self.parse(tensor.name) {
        tensors[place, default: [:]][part] = tensor
      } else {
        others.append(tensor)
      }
    }
  }

  /// The modules that have a tensor, layer after layer.
  var places: [ModulePlace] { tensors.keys.sorted() }

  /// Whether some module has this part.
  func contains(_ part: Part) -> Bool { tensors.values.contains { $0[part] != nil } }

  subscript(place: ModulePlace, part: Part) -> SafetensorsTensor? { tensors[place]?[part] }

  /// The layers that have a tensor.
  var layers: Set<Int> { Set(tensors.keys.map(\.layer)) }

  /// One more than the highest layer.
  var layerCount: Int { (layers.max() ?? -1) + 1 }

  /// Layers beyond this are no model's; numbers from a file are not to be believed.
  static let largestLayer = 1 << 10

  private static func parse(_ name: String) -> (ModulePlace, Part)? {
    let steps = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard steps.count == 9, let layer = Int(steps[4]), (0...largestLayer).contains(layer),
      let module = LinearModule(rawValue: steps[6]), let part = Part(rawValue: steps[7])
    else { return nil }
    // The key written anew settles every other step, and spellings such as "+1".
    let key = PEFTAdapter.key(module, layer: layer, part.rawValue)
    guard key.utf8.elementsEqual(name.utf8) else { return nil }
    return (ModulePlace(layer: layer, module: module), part)
  }
}
