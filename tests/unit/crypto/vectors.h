/* SPDX-License-Identifier: BSD-2-Clause */
/* Expected values, written by vectors.py (an implementation of its own: see there). */
#ifndef BUB_TEST_CRYPTO_VECTORS_H
#define BUB_TEST_CRYPTO_VECTORS_H

#define V_HOME_TOKEN "01959ed3c2810cd8"
#define V_CARE_OF_TOKEN "7ccd31c0bbce3f6a"
#define V_KBM "d8cf0ec4d2cbcf52fe9393734b7345442e30bddd"
#define V_KBM_DELETE "e5505656f2b84d70b3b6971688ab0e39d818cba4"
#define V_AUTH_SHA256 "0fa8cc9ccd6f5943b4d56a27"
#define V_DH_SIGNATURE_KBM "267884629656caf927bd14d1"
#define V_DH_SIGNATURE_KABM "b8550e9282a45d0732429e1d"
#define V_DH_SIGNATURE_MIDDLE "b3188dc22e6dfaee4373879e"
#define V_BUBC_KBM "aab92e247c6ffd75d0c5276640268ef1852f1757"
#define V_BUBC "3b04080000000000c1c2c3c4c5c6c7c8b1b2b3b4b5b6b7b80100050cfad36e560cffdeccb3f49d96"
#define V_BUBC_OF_HOMES "55c9e4e23c84425e79cd0ebc"
#define V_BUBC_OF_CARE_OFS "5774f76e1cd663148059e580"
#define V_BUBC_SWAPPED "e6ba7b7d6f0c219d0b2e19a7"
#define V_GROUP14_P                                                                                \
	"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22"         \
	"514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6"         \
	"f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3d"         \
	"c2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"         \
	"9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e8603"         \
	"9b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510"         \
	"15728e5a8aacaa68ffffffffffffffff"
#define V_S1_PUBLIC1                                                                               \
	"e9ffd760b5167492bcd3011e1295ef81b7930675af975f2ffe757c8a4c848d985025d0b579134b11"         \
	"bc0934a73e2ad143047f828cc477a121cbbba64519efcb2863d4db2a55bb896b990851c4c33be5a8"         \
	"4573a1bd614768959e50961ce0c855facaced5bb170a374b854450aea8656cc42c0d7d37b2d7297e"         \
	"519e86d74bc50f0eb6a4bf2f3b0e608b3582c48c29987f20764b08702150eb0a7e03c1c534696bc0"         \
	"b6086c7fd17d63d951eab4cffcd529b9c8b20fdd5f038a6fda35181f7526d34da4024739ee79c748"         \
	"645f864e98cab1509650d3d709163acbe75cf1623b0070e14e4548be6afce31472b237e5e1bc2c56"         \
	"7d927a2d9f9ed89b33196cfbb36ae2af"
#define V_S1_PUBLIC2                                                                               \
	"636b8045aef56d0022e3257a5876d5998b075f273e57faacd3f29cf6a261100f1828f938d2ae653e"         \
	"332b8002b0939023050d6f273cbdc99c77a3c3d716c56f7c518c096c33d3689ca68ab77bc892c153"         \
	"e7cbc7c48b5e927fd98178316c0c254d5d04bed4f8cdde9b692a4ad8cbab28993e194934dd6c9a20"         \
	"993c1ac9a6d356d219677447dc80128558cb635e2253318b7d7a6e46104799ca33a918dbc0041c4a"         \
	"c7bc884268b9be0846a4a63a3752a9f631765bc3943b2646eed43ef95a2905195f0683c242e02a4b"         \
	"44c639acb352e33f07ea58ddd390803a78ec7c3a88d19d5eb58b2b805e034c80a7981856bdd7ac88"         \
	"d900e4a46b3786cea9cadf339b928395"
#define V_S1_KM "768afadb79229e9fff4821b353ff4f4482ea12d5"
#define V_S1_KABM "dc7dc8d8813600802f0f6f7735a469c65869dab8"
#define V_S1_SIG3 "9db172a75df4c09af170c36b71c34652a7043446"
#define V_S1_SIG4 "0203e717b60ed3c607e80d6df3e0bc7f16986a65"
#define V_S1_MAC3 "e3f1abe6d94be716b3409d5af9a84e0cdd2ed002"
#define V_S1_MAC4 "0d8ec2b47cd74f2274d64a4f8b57a661ad7545d0"
#define V_S2_PUBLIC1 "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define V_S2_PUBLIC2 "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define V_S2_KM "e5b6a9254e9c2ec586d0ec286142820cd7371563c36ff459607ec716acf63a0d"
#define V_S2_KABM "eaa6efa27ce392d8f6b226deaa7ce3d8376f183dd8edceddd1aa310b00ef24ca"
#define V_S2_SIG3 "e7876273bdf9591e574d880c3b5d596faf1b871fbe87c6b28b46f845bb1c8a93"
#define V_S2_SIG4 "758adfe91e5ba00c74191528b01ac70f090d4c68aafcb366d7ec00154278d9a5"
#define V_S2_MAC3 "d138a424b93851513f7b5bd1b85a6448e5ca09d0606fa02123c4d75891e9d79e"
#define V_S2_MAC4 "d334b651f807c979c18ab29ca19d8686ace40a2d23b55d136b767d2bc45622b2"

#endif
